/** Runs the whole pipeline in this process: real video through real models into segments that FFmpeg reads. */
import { describe, expect, test } from "bun:test";
import { clock } from "../../src/engine/source/clock.ts";
import { ticks } from "../../src/media/time.ts";
import { endWhen } from "../../src/streams/end-when.ts";
import { builtInHost } from "../support/built-in-host.ts";
import { tsSegments } from "../support/clip.ts";
import { decodeAlone, fragmentsOf, worstGap } from "../support/clip-output.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { readMedia } from "../support/clip-reader.ts";
import { lumaOf, synthetic } from "../support/clip-synthetic.ts";

const host = await builtInHost("identity", "edges");

const MOVING = { parts: [{ width: 128, height: 96, frames: 60 }], gop: 30 };

describe("synthetic clips through identity", () => {
  const identity = { model: "identity" } as const;

  test("pictures keep their order and brightness, with and without B-frames in the input", async () => {
    for (const bFrames of [0, 2]) {
      const media = await synthetic({ ...MOVING, bFrames, start: 90_000 });
      const run = new ClipRun({ segments: tsSegments(media), host, params: identity });
      await run.pipeline.run();
      const out = await decodeAlone(run);
      expect(out.video.map(({ pts }) => pts)).toEqual(
        Array.from({ length: 60 }, (_, index) => 90_000 + index * 3000),
      );
      for (const [index, { measure }] of out.video.entries()) {
        expect(Math.abs(measure - lumaOf(index))).toBeLessThan(3);
      }
      expect(worstGap(fragmentsOf(run), 1)).toBe(0);
    }
  });

  test("sound of both codecs is copied completely", async () => {
    for (const audio of [
      { codec: "aac", sampleRate: 44_100, channels: 1 },
      { codec: "aac", sampleRate: 48_000, channels: 2 },
      { codec: "opus", channels: 2 },
      { codec: "opus", channels: 1 },
    ] as const) {
      const media = await synthetic({ ...MOVING, audio });
      const run = new ClipRun({ segments: tsSegments(media), host, params: identity });
      await run.pipeline.run();
      const out = await decodeAlone(run);
      expect(out.audio.length).toBe(media.audio?.packets.length ?? -1);
      expect(worstGap(fragmentsOf(run), 2)).toBe(0);
      const [first] = run.segments;
      const read = await readMedia(first ?? new Uint8Array(0));
      expect(read.audio).toMatchObject({ channels: audio.channels });
      expect(read.audio?.codecName).toContain(audio.codec);
    }
  });

  test("sound is transcoded on request", async () => {
    for (const [from, audio] of [
      ["aac", "opus"],
      ["opus", "aac"],
    ] as const) {
      const media = await synthetic({ ...MOVING, audio: { codec: from } });
      const run = new ClipRun({ segments: tsSegments(media), host, params: identity, audio });
      await run.pipeline.run();
      const [first] = run.segments;
      const { audio: heard } = await readMedia(first ?? new Uint8Array(0));
      expect(heard?.codecName).toContain(audio);
      const start = media.audio?.packets[0]?.pts ?? -1;
      expect(Math.abs((heard?.packets[0]?.pts ?? 0) - start)).toBeLessThanOrEqual(1800);
    }
  });

  test("sound can be omitted", async () => {
    const media = await synthetic({ ...MOVING, audio: { codec: "aac" } });
    const run = new ClipRun({ segments: tsSegments(media), host, params: identity, audio: "none" });
    await run.pipeline.run();
    const out = await decodeAlone(run);
    expect([out.video.length, out.audio.length]).toEqual([60, 0]);
  });

  test("a size that changes in mid-stream is followed, or scaled to the requested one", async () => {
    const parts = [
      { width: 128, height: 96, frames: 20 },
      { width: 322, height: 182, frames: 20 },
      { width: 64, height: 64, frames: 20 },
    ];
    const segments = tsSegments(await synthetic({ parts }));
    for (const size of [null, { width: 160, height: 90 }]) {
      const params = size ? { ...identity, size } : identity;
      const run = new ClipRun({ segments, host, params });
      await run.pipeline.run();
      const out = await decodeAlone(run);
      const widths = parts.flatMap((part) => Array<number>(20).fill(size?.width ?? part.width));
      expect(out.video.map(({ width }) => width)).toEqual(widths);
      expect(worstGap(fragmentsOf(run), 1)).toBe(0);
    }
  });

  test("fps caps what comes out, evenly, and changes apply at once", async () => {
    const media = await synthetic({ parts: [{ width: 128, height: 96, frames: 240 }], gop: 30 });
    const run = new ClipRun({
      segments: tsSegments(media),
      host,
      params: { ...identity, fps: 15 },
      onFragment: () => {
        if (run.framesOut === 30) run.params = { ...run.params, fps: 10 };
        if (run.framesOut === 60) run.params = identityParams;
      },
    });
    const { fps: _, ...identityParams } = run.params;
    await run.pipeline.run();
    const stamps = (await decodeAlone(run)).video.map(({ pts }) => pts);
    const steps = stamps.slice(1).map((pts, index) => (pts - (stamps[index] ?? 0)) / 3000);
    const [fifteen, ten] = [steps.slice(0, 29), steps.slice(50, 59)];
    expect([new Set(fifteen), new Set(ten)]).toEqual([new Set([2]), new Set([3])]);
    expect(new Set(steps.slice(-20))).toEqual(new Set([1]));
    expect(run.framesDropped).toBe(0);
    expect(run.framesSkipped + stamps.length).toBe(240);
  });

  test("segments of a new muxer with restarted counters lose nothing", async () => {
    const media = await synthetic({ ...MOVING, gop: 10, audio: { codec: "aac" } });
    const segments = tsSegments(media, { seconds: 0.3, restartCounters: true });
    expect(segments.length).toBe(6);
    const run = new ClipRun({ segments, host, params: identity });
    await run.pipeline.run();
    const out = await decodeAlone(run);
    expect([out.video.length, out.audio.length]).toEqual([60, media.audio?.packets.length ?? -1]);
  });

  test("after a restart of the publisher, timestamps rise and sound stays in step", async () => {
    const media = await synthetic({ ...MOVING, audio: { codec: "aac" } });
    const once = tsSegments(media);
    const run = new ClipRun({ segments: [...once, ...once], host, params: identity });
    await run.pipeline.run();
    const out = await decodeAlone(run);
    expect(out.video.length).toBe(120);
    const stamps = out.video.map(({ pts }) => pts);
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
    const second = stamps[60] ?? 0;
    expect(second - (stamps[59] ?? 0)).toBeLessThan(0.15 * 90_000);
    const nearest = Math.min(...out.audio.map(({ pts }) => Math.abs(pts - second)));
    expect(nearest).toBeLessThan(0.02 * 90_000);
  });

  test("a resumed stream sends no frame and no sound again", async () => {
    const media = await synthetic({ ...MOVING, audio: { codec: "aac" } });
    const after = (media.video?.packets[30]?.pts ?? 0) as never;
    const run = new ClipRun({
      segments: tsSegments(media),
      host,
      params: identity,
      pipeline: { after },
      lossy: true,
    });
    await run.pipeline.run();
    const out = await decodeAlone(run);
    expect(out.video[0]?.pts).toBe(31 * 3000);
    expect(out.audio[0]?.pts).toBeGreaterThan(30 * 3000);
  });
});

test("without input a clock drives the model, and its end ends the pipeline in order", async () => {
  const stop = new AbortController();
  const run = new ClipRun({
    segments: [],
    host,
    pipeline: {
      source: {
        kind: "clock",
        ticks: endWhen(
          clock(ticks(9000), () => 60),
          stop.signal,
        ),
      },
      segmentSeconds: 0.25,
    },
    params: { model: "test-card", size: { width: 128, height: 72 } },
    onFragment: () => {
      if (run.framesOut === 40) stop.abort();
    },
  });
  await run.pipeline.run();
  expect(run.framesOut).toBeGreaterThanOrEqual(40);
  expect([run.pipeline.frames, run.troubles.length]).toEqual([0, 0]);
  const out = await decodeAlone(run);
  expect(out.video.length).toBe(run.framesOut);
  expect(new Set(out.video.map(({ pts }) => pts % 1500))).toEqual(new Set([0]));
  expect(run.segments.length).toBeGreaterThanOrEqual(2);
});
