/** Starts a real Chromium with a fake camera and microphone and a profile of its own, for tests and screenshots. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Why browser tests cannot run here; null where they can. */
export const noBrowser: string | null = existsSync(CHROMIUM)
  ? null
  : `needs ${CHROMIUM}: apt-get install chromium`;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** Every URL that any page has requested. */
  readonly requests: readonly string[];
  /** Uncaught errors of any page. */
  readonly errors: readonly string[];
  open(url: string): Promise<Page>;
}

/** Starts a browser; disposing closes it and removes its profile. */
export async function startBrowser(
  options: Parameters<typeof chromium.launchPersistentContext>[1] = {},
): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), "browser-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  const requests: string[] = [];
  const errors: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("weberror", (error) => errors.push(error.error().message));
  return {
    context,
    requests,
    errors,
    open: async (url) => {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
