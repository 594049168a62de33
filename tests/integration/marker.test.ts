/** Markers through the whole pipeline: drawn, encoded by libx264 and read from decoded pictures. */
import { expect, test } from "bun:test";
import { drawMarker } from "../../src/engine/codec/frame-marker.ts";
import type { Marker } from "../../src/engine/protocol/work.ts";
import { markerAge, readMarker } from "../../src/media/marker.ts";
import { builtInHost } from "../support/built-in-host.ts";
import { tsSegments } from "../support/clip.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { decodePictures } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";

const FRAMES = 40;
/** One that does not divide the smaller output's. */
const INPUT = { width: 426, height: 240 };
/** The marker's numbers of the input's frames. */
const FIRST = 4_000_000_000;

const host = await builtInHost("edges");

/** What the pictures show that come out of a model that turns its input into edges, at a low bitrate. */
async function markersOut(marker: Marker | undefined, size: { width: number; height: number }) {
  const media = await synthetic({
    parts: [{ ...INPUT, frames: FRAMES }],
    draw: (frame, index) => drawMarker(frame, FIRST + index),
  });
  const params = { model: "edges", size, bitrate: 100_000, ...(marker && { marker }) };
  const run = new ClipRun({ segments: tsSegments(media), host, params });
  await run.pipeline.run();
  const numbers: (number | null)[] = [];
  for (const segment of run.segments) {
    const { video } = await decodePictures(segment);
    for (const { luma } of video?.frames ?? []) {
      numbers.push(luma && readMarker(size, (x, y) => luma[y * size.width + x] ?? 0));
    }
  }
  expect(numbers.length).toBe(FRAMES);
  return numbers;
}

test("the input's marker comes out of a model that would change it, at every size", async () => {
  const sent = Array.from({ length: FRAMES }, (_, index) => FIRST + index);
  for (const size of [
    { width: 64, height: 64 },
    { width: 512, height: 288 },
  ]) {
    expect(await markersOut("input", size)).toEqual(sent);
  }
});

test("a marker with the time of arrival is as old as the frame", async () => {
  const begun = Date.now();
  const numbers = await markersOut("time", { width: 320, height: 180 });
  const now = Date.now();
  for (const number of numbers) {
    const age = markerAge(number ?? 0, now);
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThanOrEqual(now - begun);
  }
  // Two clocks are read for it, of which one counts whole milliseconds.
  for (const [index, number] of numbers.entries())
    expect(markerAge(numbers[index - 1] ?? number ?? 0, number ?? 0)).toBeGreaterThanOrEqual(-1);
});

test("without the parameter no pixel is touched", async () => {
  const numbers = await markersOut(undefined, { width: 320, height: 180 });
  expect(numbers.filter((number) => number !== null)).toEqual([]);
});
