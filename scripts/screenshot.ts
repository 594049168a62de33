/**
 * `bun scripts/screenshot.ts [folder] [workspace model] [clip]`: takes screenshots of the playground, empty, playing,
 * watching a stream that was started elsewhere, with a camera whose delay is measured, transforming one stream into another
 * by a model and by a graph, and with a graph that was refused, light and dark, narrow and wide. The pictures of README and
 * docs/graphs.md are among them. The stream is a generated one or, sent by ffmpeg, a clip; it is transformed
 * by a model of the workspace, or by `cartoon`.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { noBrowser, startBrowser } from "../tests/support/browser.ts";
import { plays } from "../tests/support/browser-page.ts";
import { api, enginePid } from "../tests/support/live-stream.ts";
import { MAIN, startServer } from "../tests/support/server-process.ts";
import { waitFor } from "../tests/support/wait-for.ts";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];
/** Frames to wait for, so that the charts have lines. */
const FRAMES = 200;
/** Its image has no width. */
const REFUSED = JSON.stringify(
  {
    "1": { class_type: "EmptyImage", inputs: { width: 0, height: 64, batch_size: 1, color: 255 } },
    "2": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
  },
  null,
  2,
);

if (noBrowser !== null) throw new Error(noBrowser);
const [folder = "screenshots", ownWorkspace, model = "cartoon", clip] = process.argv.slice(2);
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
    const another = await browser.open(server.url);
    await plays(another, "Live output", FRAMES / 4);
    await shoot(another, `watching-${colorScheme}`);
    await another.close();
    await stop(page);
    await page.getByText("My camera").click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await plays(page, "Live output", 1);
    await page.getByRole("button", { name: "Measure" }).click();
    await plays(page, "Live output", FRAMES / 2);
    await shoot(page, `camera-${colorScheme}`);
    await stop(page);
    await using _source = await sendSource(server.url, `${server.url}/trickle/source`);
    await page.getByText("A stream", { exact: true }).click();
    await page.getByLabel("Trickle channel").fill(`${server.url}/trickle/source`);
    await page.getByLabel("Model").selectOption(model);
    await page.getByLabel("Size").selectOption(clip === undefined ? "256 × 256" : "640 × 360");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await plays(page, "Live output", FRAMES / 4);
    await shoot(page, `${model}-${colorScheme}`);
    await page.getByLabel("Model").selectOption("comfyui");
    await page.getByRole("button", { name: "Soft glow" }).click();
    await page.locator(".graph-nodes summary").getByText("ImageBlend").click();
    await plays(page, "Live output", FRAMES / 4);
    await shoot(page, `graph-${colorScheme}`);
    await page.getByLabel("ComfyUI graph", { exact: true }).fill(REFUSED);
    await page.getByRole("alert").getByText("problem").waitFor();
    await shoot(page, `refused-${colorScheme}`);
    await stop(page);
  }
} finally {
  await rm(workspace, { recursive: true, force: true });
}

/** Sends the video that is transformed to `channel`, until it is disposed. */
async function sendSource(server: string, channel: string): Promise<AsyncDisposable> {
  if (clip === undefined) {
    const prompts = [{ prompt: "a beautiful landscape at sunrise" }];
    const stream = await api(server).start({ prompts, stream_url: channel });
    return { [Symbol.asyncDispose]: async () => void (await api(server).stop(stream)) };
  }
  const input = ["-re", "-stream_loop", "-1", "-i", clip, "-map", "0", "-c", "copy"];
  // The page shows fragmented MP4 alone.
  const fragments = "movflags=frag_every_frame+empty_moov+default_base_moof";
  const segments = ["-f", "segment", "-segment_format", "mp4", "-segment_time", "1"];
  const command = ["ffmpeg", "-v", "error", ...input, ...segments];
  command.push("-segment_format_options", fragments, `${channel}/%d`);
  const ffmpeg = Bun.spawn(command, { stdio: ["ignore", "ignore", "inherit"] });
  await waitFor("the clip", async () => (await fetch(`${channel}/-1`)).ok);
  return {
    [Symbol.asyncDispose]: async () => {
      ffmpeg.kill();
      await ffmpeg.exited;
    },
  };
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
  await page.getByText("Watch it live.").waitFor();
}
