/** Decoding, inference, conversion and encoding work at the same time, each on another frame (architecture.md 5). */
import { afterEach, expect, spyOn, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { VideoDecoder } from "../../src/engine/codec/video-decoder.ts";
import { VideoEncoder } from "../../src/engine/codec/video-encoder.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { Finisher } from "../../src/engine/plan/finisher.ts";
import { tsSegments } from "../support/clip.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

type StageName = "decode" | "picture" | "infer" | "finish" | "encode";

interface Interval {
  readonly stage: StageName;
  readonly pts: number;
  readonly begin: number;
  end: number;
}

const spies: { mockRestore(): void }[] = [];
afterEach(() => {
  for (const spy of spies.splice(0)) spy.mockRestore();
});

/** Work of one stage that lies inside work of another on another frame: counted by begin and end, not by length. */
function meetings(intervals: readonly Interval[], a: StageName, b: StageName): number {
  const of = (stage: StageName): Interval[] => intervals.filter((each) => each.stage === stage);
  return of(a).filter((one) =>
    of(b).some((two) => one.pts !== two.pts && one.begin < two.end && two.begin < one.end),
  ).length;
}

test("decode, conversion, infer, finish and encode each run while a neighbour works on another frame", async () => {
  quietLibav();
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  await host.acquire("edges");

  let clock = 0;
  const intervals: Interval[] = [];
  const timed = async <T>(stage: StageName, pts: number, work: () => Promise<T>): Promise<T> => {
    const interval: Interval = { stage, pts, begin: clock++, end: Number.POSITIVE_INFINITY };
    intervals.push(interval);
    try {
      return await work();
    } finally {
      interval.end = clock++;
    }
  };
  const decode = VideoDecoder.prototype.decode;
  const encode = VideoEncoder.prototype.encode;
  const run = PlanExecutor.prototype.run;
  const toPicture = PictureConverter.prototype.toPicture;
  const finish = Finisher.prototype.frameOf;
  spies.push(
    spyOn(VideoDecoder.prototype, "decode").mockImplementation(function (
      this: VideoDecoder,
      packet,
    ) {
      return timed("decode", packet.pts, () => decode.call(this, packet));
    }),
    spyOn(VideoEncoder.prototype, "encode").mockImplementation(function (
      this: VideoEncoder,
      frame,
      key,
    ) {
      return timed("encode", frame.pts, () => encode.call(this, frame, key));
    }),
    spyOn(PictureConverter.prototype, "toPicture").mockImplementation(function (
      this: PictureConverter,
      frame,
      ...how
    ) {
      return timed("picture", Number(frame.pts), () => toPicture.call(this, frame, ...how));
    }),
    spyOn(PlanExecutor.prototype, "run").mockImplementation(function (
      this: PlanExecutor,
      job,
      inputs,
    ) {
      return timed("infer", job.pts, () => run.call(this, job, inputs));
    }),
    spyOn(Finisher.prototype, "frameOf").mockImplementation(function (this: Finisher, job, made) {
      return timed("finish", job.pts, () => finish.call(this, job, made));
    }),
  );

  const frames = 60;
  const media = await synthetic({ parts: [{ width: 512, height: 288, frames }], gop: 30 });
  intervals.length = 0; // the clip was encoded too
  const pipeline = new ClipRun({ segments: tsSegments(media), host });
  await pipeline.pipeline.run();
  expect(pipeline.framesOut).toBe(frames);
  // Neighbours that take turns never meet; how often these do is the machine's affair.
  expect(meetings(intervals, "picture", "infer")).toBeGreaterThan(3);
  expect(meetings(intervals, "infer", "finish")).toBeGreaterThan(3);
  expect(meetings(intervals, "infer", "encode")).toBeGreaterThan(3);
  expect(meetings(intervals, "decode", "infer")).toBeGreaterThan(3);
  expect(meetings(intervals, "decode", "encode")).toBeGreaterThan(0);
});
