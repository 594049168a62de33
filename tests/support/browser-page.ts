/** Inspects the playground's page: its videos, their pixels, and axe's findings. Code that runs in the page is a string. */
import axe from "axe-core";
import type { Page } from "playwright-core";
import { waitFor } from "./wait-for.ts";

export interface VideoState {
  /** Media time in seconds. */
  readonly time: number;
  readonly width: number;
  readonly height: number;
  /** Frames decoded so far. */
  readonly frames: number;
}

const videoOf = (label: string) => `document.querySelector('video[aria-label="${label}"]')`;

/** A stream slower than this is considered stuck. */
const SLOWEST_FRAME_MS = 200;

/** State of the video with this label; null if there is none. */
export const videoState = (page: Page, label = "Live output"): Promise<VideoState | null> =>
  page.evaluate(`(() => {
    const video = ${videoOf(label)};
    return video && {
      time: video.currentTime,
      width: video.videoWidth,
      height: video.videoHeight,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
    };
  })()`);

/** The video's current picture as 16 × 16 pixels: red, green and blue of each. */
export const pixels = (page: Page, label = "Live output"): Promise<number[]> =>
  page.evaluate(`(() => {
    const context = new OffscreenCanvas(16, 16).getContext("2d");
    context.drawImage(${videoOf(label)}, 0, 0, 16, 16);
    const { data } = context.getImageData(0, 0, 16, 16);
    return [...data].filter((_, index) => index % 4 !== 3);
  })()`);

/** Mean difference of two pictures, 0 to 255. */
export const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;

/** How colourful a picture is: mean difference of red, green and blue within a pixel; 0 is gray. */
export const colour = (picture: readonly number[]): number =>
  distance(picture.slice(0, -1), picture.slice(1)) === 0
    ? 0
    : picture.reduce((sum, value, index) => {
        const base = picture[index - (index % 3)] ?? 0;
        return sum + Math.abs(value - base);
      }, 0) / picture.length;

/** Waits until the video has shown `frames` more frames and its time has advanced. */
export async function plays(page: Page, label = "Live output", frames = 12): Promise<void> {
  let from: VideoState | null = null;
  const condition = async () => {
    const now = await videoState(page, label);
    from ??= now;
    if (from === null || now === null) return false;
    return now.time > from.time && now.frames - from.frames >= frames;
  };
  await waitFor(`${label} to play`, condition, 10_000 + frames * SLOWEST_FRAME_MS);
}

/** Axe's rule violations as text. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: { id: string; nodes: { html: string; failureSummary?: string }[] }[] =
    await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then((result) =>
      result.violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
      })),
    )`);
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

/** Pastes a text into an element, as the browser does it with its clipboard. */
export const pasteText = (page: Page, selector: string, text: string): Promise<void> =>
  page.evaluate(`(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", ${JSON.stringify(text)});
    document.querySelector(${JSON.stringify(selector)}).dispatchEvent(
      new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
    );
  })()`);

/** Drags a file over an element, or drops it there; resolves with true if the page kept the browser from opening it. */
export const dragFile = (
  page: Page,
  type: "dragover" | "drop",
  selector: string,
  file: { readonly name: string; readonly text: string },
): Promise<boolean> =>
  page.evaluate(`(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([${JSON.stringify(file.text)}], ${JSON.stringify(file.name)}));
    return !document.querySelector(${JSON.stringify(selector)}).dispatchEvent(
      new DragEvent("${type}", { dataTransfer, bubbles: true, cancelable: true }),
    );
  })()`);

/** Drops a file on an element. */
export const dropFile = (
  page: Page,
  selector: string,
  name: string,
  text: string,
): Promise<boolean> => dragFile(page, "drop", selector, { name, text });
