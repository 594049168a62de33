/** Tests both ways in which the playground plays: pictures that the page decodes itself, and segments through MediaSource. */
import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { plays, videoState } from "../support/browser-page.ts";
import { inBrowser, streamsOf, usePlayground } from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();

type Way = "decoded by the page" | "segments";
const way = (page: Page): Promise<Way | null> =>
  page.evaluate(`(() => {
    const { srcObject, src } = document.querySelector('video[aria-label="Live output"]');
    return srcObject ? "decoded by the page" : src ? "segments" : null;
  })()`);

/** Opens the page, after `script` has run in it, and starts a stream. */
async function playingAfter(script: string): Promise<Page> {
  const page = await playground.browser.context.newPage();
  await page.addInitScript(script);
  await page.goto(playground.server.url);
  await page.getByLabel("Size").selectOption("256 × 256");
  await page.getByLabel("Model").selectOption("test-card");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page);
  return page;
}

async function resize(page: Page, side: number): Promise<void> {
  const [stream] = await streamsOf(playground.server.url);
  const change = { width: side, height: side };
  const url = `${playground.server.url}/stream/${stream?.manifest_id}/params`;
  const { status } = await fetch(url, { method: "POST", body: JSON.stringify(change) });
  expect(status).toBe(200);
  await waitFor("the new size", async () => (await videoState(page))?.width === side);
  await plays(page);
}

for (const [expected, script] of [
  ["decoded by the page", ""],
  ["segments", "delete globalThis.VideoDecoder"],
] as const)
  inBrowser(`${expected}: a stream plays, and goes on in another size`, async () => {
    const page = await playingAfter(script);
    expect(await way(page)).toBe(expected);
    await resize(page, 384);
    await resize(page, 128);
    expect(await way(page)).toBe(expected);
    expect(playground.browser.errors).toEqual([]);
  });

inBrowser("what a browser's decoder refuses is played as segments", async () => {
  const page = await playingAfter(
    "VideoDecoder.isConfigSupported = async (config) => ({ config, supported: false })",
  );
  expect(await way(page)).toBe("segments");
});

/** Runs in a page: `break` is called with each decoder that it makes. */
const withDecoders = (breaks: string) => `{
  const Decoder = VideoDecoder;
  globalThis.VideoDecoder = class extends Decoder {
    constructor(init) {
      super(init);
      (${breaks})(this, init);
    }
  };
}`;

for (const [fault, breaks] of [
  [
    "fails",
    `(decoder, { error }) => setTimeout(() => {
      decoder.close();
      error(new DOMException("made to fail", "EncodingError"));
    }, 1500)`,
  ],
  ["gives no pictures", "(decoder) => { decoder.decode = () => {}; }"],
] as const)
  inBrowser(`where the page's decoder ${fault}, the stream plays on as segments`, async () => {
    const page = await playingAfter(withDecoders(breaks));
    await waitFor("segments", async () => (await way(page)) === "segments");
    await plays(page);
    expect(playground.browser.errors).toEqual([]);
  });
