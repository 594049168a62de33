/** The pictures of fallbacks: slates, the input, the last output picture, and files of the workspace. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawMarker, markerIn } from "../../src/engine/codec/frame-marker.ts";
import { type Frame, quietLibav } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { drawSlate } from "../../src/engine/codec/slate.ts";
import { Fallback } from "../../src/engine/plan/fallback.ts";
import { checkFallback } from "../../src/engine/plan/fallback-picture.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Size, StreamParams } from "../../src/engine/protocol/work.ts";
import type { PlainError } from "../../src/errors.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { jpegFile, pngFile, webpFile } from "../support/image-files.ts";
import { flatFrame, SIZE as INPUT } from "../support/loading-stream.ts";
import {
  BLACK,
  BLUE,
  expectColour,
  GREEN,
  quarters,
  RED,
  WHITE,
} from "../support/painted-picture.ts";

quietLibav();

const WIDE = { width: 320, height: 180 };
const PARAMS: StreamParams = {
  prompts: [],
  model: "m",
  fit: "cover",
  paused: false,
  model_params: {},
};

let workspace: string;
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), "fallback-pictures-"));
  const square = quarters({ width: 200, height: 200 });
  const write = (name: string, bytes: Uint8Array) =>
    Bun.write(join(workspace, "fallbacks", name), bytes);
  await write("square.png", await pngFile(square));
  await write("photo.jpg", await jpegFile(square));
  await write("drawing.webp", await webpFile(square, "lossy"));
  await write("broken.png", (await pngFile(square)).subarray(0, 60));
  await write("text.jpg", Buffer.from("no picture"));
});
afterAll(async () => await rm(workspace, { recursive: true }));

/** Fallbacks of a stream, its input being of one colour. */
function opened() {
  const troubles: (PlainError | null)[] = [];
  const fallback = new Fallback({
    workspace,
    calls: UNRECORDED_CALLS,
    onTrouble: (error) => void troubles.push(error),
  });
  const show = async (params: Partial<StreamParams>, size: Size = WIDE, input = true) => {
    const frame = input ? flatFrame() : null;
    const job = { frame, pts: ticks(0), size, params: { ...PARAMS, ...params } };
    try {
      return await fallback.frameFor(job);
    } finally {
      frame?.free();
    }
  };
  return { fallback, troubles, show, [Symbol.asyncDispose]: () => fallback[Symbol.asyncDispose]() };
}

/** What a frame shows; it is freed. */
async function pictureOf(frame: Frame): Promise<Picture> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const picture = await converter.toPicture(frame, frame, "stretch");
  frame.free();
  return picture;
}

const lumaAt = (frame: Frame, x: number, y: number): number =>
  frame.data?.[0]?.[y * (frame.linesize[0] ?? 0) + x] ?? -1;

test("a PNG, a JPEG and a WebP of the workspace are fitted as the stream asks", async () => {
  await using stream = opened();
  for (const fallback of ["square", "photo", "drawing"]) {
    const cover = await pictureOf(await stream.show({ fallback }));
    expect(cover).toMatchObject(WIDE);
    expectColour(cover, 0.02, 0.1, RED);
    expectColour(cover, 0.98, 0.1, GREEN);
    expectColour(cover, 0.02, 0.9, BLUE);
    expectColour(cover, 0.98, 0.9, WHITE);
  }
  const contained = await pictureOf(await stream.show({ fallback: "square", fit: "contain" }));
  expectColour(contained, 0.1, 0.5, BLACK);
  expectColour(contained, 0.3, 0.1, RED);
  const small = await pictureOf(
    await stream.show({ fallback: "square" }, { width: 64, height: 64 }),
  );
  expectColour(small, 0.9, 0.1, GREEN);
  expect(stream.troubles.filter((error) => error !== null)).toEqual([]);
});

test("frames that show the same picture share its pixels until one is drawn into", async () => {
  await using stream = opened();
  for (const fallback of ["square", "default"]) {
    const one = await stream.show({ fallback });
    drawMarker(one, 7);
    const other = await stream.show({ fallback });
    expect(markerIn(one)).toBe(7);
    expect(markerIn(other)).toBeNull();
    one.free();
    other.free();
  }
});

test("a picture that cannot be shown is a slate and is reported, and another one is not", async () => {
  await using stream = opened();
  for (const [fallback, why] of [
    ["broken", "broken.png is an incomplete PNG"],
    ["text", "text.jpg "],
    ["gone", "is not in the workspace's folder"],
  ] as const) {
    const frame = await stream.show({ fallback });
    expect(lumaAt(frame, 2, 2)).toBeLessThan(60);
    frame.free();
    const error = stream.troubles.at(-1);
    expect(error).toMatchObject({ kind: "invalid_request", details: [{ field: "fallback" }] });
    expect(error?.message).toContain(why);
    const checked = checkFallback(workspace, fallback, UNRECORDED_CALLS);
    await expect(checked).rejects.toThrow(error?.message ?? "");
  }
  (await stream.show({ fallback: "square" })).free();
  expect(stream.troubles.at(-1)).toBeNull();
  for (const fallback of ["square", "default", undefined]) {
    await checkFallback(workspace, fallback, UNRECORDED_CALLS);
  }
});

test("a picture is decoded before it is wanted, and while another one is asked for", async () => {
  await using stream = opened();
  stream.fallback.prepare({ ...PARAMS, fallback: "square" }, WIDE);
  const asked = stream.show({ fallback: "square" });
  stream.fallback.prepare({ ...PARAMS, fallback: "photo" }, WIDE);
  const frames = await Promise.all([asked, stream.show({ fallback: "photo" })]);
  for (const frame of frames) expectColour(await pictureOf(frame), 0.02, 0.1, RED);
});

test("passthrough shows the input, and the slate where there is none", async () => {
  await using stream = opened();
  const passed = await stream.show({ fallback: "passthrough" }, INPUT);
  expect(lumaAt(passed, 100, 100)).toBeWithin(108, 113);
  const slate = await stream.show({ fallback: "passthrough" }, INPUT, false);
  expect(lumaAt(slate, 2, 2)).toBeLessThan(60);
  for (const frame of [passed, slate]) frame.free();
});

test("hold shows the last picture that was drawn, in the size of the output", async () => {
  await using stream = opened();
  const hold = { ...PARAMS, fallback: "hold" };
  const before = await stream.show(hold, INPUT);
  expect(lumaAt(before, 2, 2)).toBeLessThan(60); // nothing has been drawn
  for (const luma of [90, 200]) {
    const drawn = flatFrame();
    drawn.data?.[0]?.fill(luma);
    stream.fallback.drawn(drawn, hold);
    drawn.free(); // the next stage frees its frames
  }
  const held = await stream.show(hold, INPUT);
  const scaled = await stream.show(hold, { width: 64, height: 64 });
  for (const frame of [held, scaled]) expect(lumaAt(frame, 20, 20)).toBe(200);
  expect(scaled).toMatchObject({ width: 64, height: 64 });
  const other = flatFrame();
  stream.fallback.drawn(other, PARAMS);
  const after = await stream.show(hold, INPUT);
  expect(lumaAt(after, 2, 2)).toBeLessThan(60);
  for (const frame of [before, held, scaled, other, after]) frame.free();
});

test("hold shows a picture that was drawn while another fallback was set, and costs no copy where a marker is drawn", async () => {
  for (const fallback of ["default", "passthrough", "square"]) {
    await using stream = opened();
    const drawn = flatFrame();
    drawn.data?.[0]?.fill(200);
    stream.fallback.drawn(drawn, { ...PARAMS, fallback });
    drawn.free();
    const held = await stream.show({ fallback: "hold" }, INPUT);
    expect(lumaAt(held, 20, 20)).toBe(200);
    const marked = flatFrame();
    stream.fallback.drawn(marked, { ...PARAMS, fallback, marker: "time" });
    expect(marked.isWritable).toBe(true);
    for (const frame of [held, marked]) frame.free();
  }
});

test("slates of every shape have a sign and, where there is room, words in the middle, and differ", () => {
  const inkOf = ({ width, height }: Size, kind: "paused" | "waiting") => {
    const frame = drawSlate({ width, height }, kind);
    const rows = Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => lumaAt(frame, x, y)),
    );
    frame.free();
    const inked = (row: readonly number[]) => row.some((luma) => luma > 120);
    expect(rows.every((row) => row.every((luma) => luma >= 16 && luma <= 235))).toBe(true);
    return rows.map(inked);
  };
  for (const size of [
    { width: 64, height: 64 },
    { width: 640, height: 360 },
    { width: 360, height: 640 },
    { width: 512, height: 64 },
  ]) {
    const [paused, waiting] = [inkOf(size, "paused"), inkOf(size, "waiting")];
    for (const rows of [paused, waiting]) {
      const [first, last] = [rows.indexOf(true), rows.lastIndexOf(true)];
      expect(first).toBeGreaterThanOrEqual(0);
      expect((first + last) / 2 / size.height).toBeWithin(0.35, 0.65);
      // The sign and the words are apart.
      expect(rows.slice(first, last)).toContain(false);
    }
    expect(paused).not.toEqual(waiting);
  }
});
