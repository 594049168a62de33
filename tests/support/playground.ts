/** Runs a file of browser tests: one server, one Chromium, and helpers to drive the playground. */
import { afterAll, afterEach, beforeAll, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { type Browser, noBrowser, startBrowser } from "./browser.ts";
import { plays } from "./browser-page.ts";
import { api, enginePid } from "./live-stream.ts";
import { FAKE_SERVER, MAIN, type ServerProcess, startServer } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";

export interface Playground {
  readonly server: ServerProcess;
  readonly browser: Browser;
  readonly workspace: string;
}

/** Declares a browser test; it skips with the reason if there is no browser. */
export const inBrowser = (name: string, body: () => Promise<void>): void =>
  noBrowser === null ? test(name, body) : test.skip(`${name} (${noBrowser})`, body);

/**
 * Starts server and browser before the file's tests, and ends them after. After each test all pages are closed and all
 * streams stopped. The result's members may be read inside tests only. `gallery`: the server has fake engines, which
 * report the made-up models of model-gallery.ts and draw nothing.
 */
export function usePlayground(engines: "real" | "gallery" = "real"): Playground {
  setDefaultTimeout(45_000);
  let started: Playground | undefined;
  const running = (): Playground => {
    if (started === undefined) throw new Error("the playground is not started yet");
    return started;
  };
  beforeAll(async () => {
    if (noBrowser !== null) return;
    const workspace = await mkdtemp(join(tmpdir(), "workspace-"));
    const [server, browser] = await Promise.all([
      engines === "real"
        ? startServer(MAIN, ["--workspace", workspace])
        : startServer(FAKE_SERVER, ["--workspace", workspace], { FAKE_ENGINE: "gallery" }),
      startBrowser(),
    ]);
    started = { server, browser, workspace };
    await enginePid(server.url);
  });
  afterEach(async () => {
    if (noBrowser !== null) return;
    const { server, browser } = running();
    for (const page of browser.context.pages()) await page.close();
    for (const { manifest_id: id } of await streamsOf(server.url)) await api(server.url).stop(id);
  });
  afterAll(async () => {
    if (noBrowser !== null) return;
    const { server, browser, workspace } = running();
    await browser[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(workspace, { recursive: true, force: true });
  });
  return {
    get server() {
      return running().server;
    },
    get browser() {
      return running().browser;
    },
    get workspace() {
      return running().workspace;
    },
  };
}

/** Opens the page and starts a stream with `model`; resolves when it plays. */
export async function playing(
  { browser, server }: Playground,
  model: string,
  size = "256 × 256",
): Promise<Page> {
  const page = await browser.open(server.url);
  // A graph's nodes have fields with the same word.
  await page.getByLabel("Size").selectOption(size);
  await page.getByLabel("Model").selectOption(model);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page);
  return page;
}

/** Lets a page change the stream that it watches. */
export async function takeControl(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Change it" }).click();
  await page.locator(".go").getByRole("button", { name: "Stop" }).waitFor();
}

/** A page whose stream runs, and what it sends. */
export interface Driven {
  readonly page: Page;
  /** The last body that was sent to change the stream. */
  lastChange(): Record<string, unknown> | undefined;
}

/** Opens the page and starts a stream with a model; resolves when the stream runs, whether it draws or not. */
export async function running({ browser, server }: Playground, model: string): Promise<Driven> {
  const page = await browser.open(server.url);
  const changes: Record<string, unknown>[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/params")) changes.push(request.postDataJSON());
  });
  await page.getByLabel("Model").selectOption(model);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.locator(".go").getByRole("button", { name: "Stop" }).waitFor();
  return { page, lastChange: () => changes.at(-1) };
}

/** Waits until the last change that was sent is `body`. */
export const sent = ({ lastChange }: Driven, body: object): Promise<void> =>
  waitFor(`a change to ${JSON.stringify(body)}`, async () => Bun.deepEquals(lastChange(), body));

/** The running streams of a server. */
export async function streamsOf(
  url: string,
): Promise<{ readonly manifest_id: string; readonly stream_url: string }[]> {
  const { streams } = (await (await fetch(`${url}/streams`)).json()) as {
    streams: { manifest_id: string; stream_url: string }[];
  };
  return streams;
}
