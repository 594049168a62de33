/**
 * `bun scripts/screenshot.ts [folder] [workspace model]`: takes screenshots of the playground, empty, playing, with a camera
 * and transforming one stream into another, light and dark, narrow and wide. README's pictures are among them. The stream is
 * transformed by a model of the workspace, or by `cartoon`.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { noBrowser, startBrowser } from "../tests/support/browser.ts";
import { plays } from "../tests/support/browser-page.ts";
import { api, enginePid } from "../tests/support/live-stream.ts";
import { MAIN, startServer } from "../tests/support/server-process.ts";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];
/** Frames to wait for, so that the charts have lines. */
const FRAMES = 200;

if (noBrowser !== null) throw new Error(noBrowser);
const [folder = "screenshots", ownWorkspace, model = "cartoon"] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const workspace = await mkdtemp(join(tmpdir(), "workspace-"));
try {
  await using server = await startServer(MAIN, ["--workspace", ownWorkspace ?? workspace]);
  await enginePid(server.url);
  for (const colorScheme of ["light", "dark"] as const) {
    await using browser = await startBrowser({ colorScheme });
    const page = await browser.open(server.url);
    await page.locator("select option").first().waitFor({ state: "attached" });
    await shoot(page, `empty-${colorScheme}`);
    await page.getByRole("button", { name: "a beautiful landscape" }).click();
    await plays(page, "Live output", 1);
    await page.getByLabel("Describe a scene").fill("northern lights over a frozen lake");
    await plays(page, "Live output", FRAMES);
    await shoot(page, `playing-${colorScheme}`);
    await stop(page);
    await page.getByText("My camera").click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await plays(page, "Live output", FRAMES / 4);
    await shoot(page, `camera-${colorScheme}`);
    await stop(page);
    const source = await api(server.url).start({
      prompts: [{ prompt: "a beautiful landscape at sunrise" }],
      stream_url: `${server.url}/trickle/source`,
    });
    await page.getByText("A stream", { exact: true }).click();
    await page.getByLabel("Trickle channel").fill(`${server.url}/trickle/source`);
    await page.getByLabel("Model").selectOption(model);
    await page.getByLabel("Size").selectOption("256 × 256");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await plays(page, "Live output", FRAMES / 4);
    await shoot(page, `${model}-${colorScheme}`);
    await stop(page);
    await api(server.url).stop(source);
  }
} finally {
  await rm(workspace, { recursive: true, force: true });
}

async function shoot(page: Page, name: string): Promise<void> {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await page.evaluate("scrollTo(0, 0)");
    if (!name.startsWith("empty")) await plays(page, "Live output", 3);
    await page.screenshot({ path: join(folder, `${name}-${size.width}.png`) });
  }
}

async function stop(page: Page): Promise<void> {
  await page.locator(".go").getByRole("button", { name: "Stop" }).click();
  await page.getByText("Describe a scene. Watch it live.").waitFor();
}
