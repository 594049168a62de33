/**
 * Measures inside an engine how long each stage works on a frame, and how many bytes JavaScript copies for it. Wraps methods of
 * the product, which knows nothing of it, and writes its report when a stream has ended.
 */
import { join } from "node:path";
import { DecodeStage } from "../../../src/engine/codec/decode-stream.ts";
import { PictureConverter } from "../../../src/engine/codec/picture-converter.ts";
import { VideoDecoder } from "../../../src/engine/codec/video-decoder.ts";
import { VideoEncoder } from "../../../src/engine/codec/video-encoder.ts";
import { type Tick, VideoFrame } from "../../../src/engine/codec/video-frame.ts";
import { ProgramWorker } from "../../../src/engine/device/program-worker.ts";
import { Pipeline } from "../../../src/engine/pipeline.ts";
import { InferStage } from "../../../src/engine/plan/infer-stage.ts";
import { ContainerReader } from "../../../src/engine/source/container-reader.ts";
import { StreamReporter } from "../../../src/engine/work/stream-reporter.ts";
import type {
  EncodedPacket,
  EncodedVideo,
  VideoPacket,
} from "../../../src/media/encoded-packet.ts";
import { StageGroup } from "../../../src/streams/stage.ts";
import {
  type FrameTimes,
  PROBE_FILE,
  type ProbedRun,
  type ProbeReport,
  type Stage,
  sharedNow,
  WARM_UP_FRAMES,
} from "./probe-report.ts";
import { countCopies, wrap } from "./wrap.ts";

const file = process.env[PROBE_FILE];
if (file === undefined) throw new Error(`${PROBE_FILE} must name a file`);

/** A frame that is under way. */
interface OpenFrame {
  readonly stageMs: Partial<Record<Stage, number>>;
  /** `performance.now()` when the model stage took it, when the newest part of that ended, and when it was segmented. */
  takenAt: number;
  partEndedAt: number;
  segmentedAt: number;
}

const takeCopied = countCopies();
const finished: FrameTimes[] = [];
let unitBytes = 0;
let codedBytes = 0;
let workerBytes = 0;

/** By pts. */
const open = new Map<number, OpenFrame>();
/** The one in the model stage: of a paced stream there is one at a time. */
let inModelStage: OpenFrame = newFrame();

function newFrame(): OpenFrame {
  const never = Number.NaN;
  return { stageMs: {}, takenAt: never, partEndedAt: never, segmentedAt: never };
}

function frameAt(pts: number): OpenFrame {
  const frame = open.get(pts) ?? newFrame();
  open.set(pts, frame);
  return frame;
}

/** Times calls whose first argument is a packet or a frame. */
const timed = (stage: Stage) => async (call: () => unknown, args: readonly unknown[]) => {
  const [{ pts }] = args as [{ readonly pts: number }];
  const begun = performance.now();
  const result = await call();
  frameAt(pts).stageMs[stage] = performance.now() - begun;
  return result;
};

/** Times a part of the model stage, and the time since the part before it. */
const timedPart = (before: Stage, stage: Stage) => async (call: () => unknown) => {
  const frame = inModelStage;
  const begun = performance.now();
  frame.stageMs[before] = begun - frame.partEndedAt;
  const result = await call();
  frame.partEndedAt = performance.now();
  frame.stageMs[stage] = frame.partEndedAt - begun;
  return result;
};

const PlainWorker = globalThis.Worker;
globalThis.Worker = class extends PlainWorker {
  constructor(url: string | URL, options: WorkerOptions = {}) {
    super(url, { ...options, preload: [join(import.meta.dir, "worker-probe.ts")] });
  }
};

/** Milliseconds by the bytes of a packet, which have no time of the stream's yet. */
const demuxMs = new WeakMap<Uint8Array, number>();
let readMs = 0; // a frame may come in several chunks

wrap(ContainerReader.prototype, "read", (call) => {
  const begun = performance.now();
  const packets = call() as EncodedPacket[];
  readMs += performance.now() - begun;
  for (const { data } of packets) demuxMs.set(data, readMs / packets.length);
  if (packets.length > 0) readMs = 0;
  return packets;
});

wrap(VideoDecoder.prototype, "decode", timed("decode"));
wrap(VideoEncoder.prototype, "encode", timed("encode"));
wrap(
  PictureConverter.prototype,
  "toPicture",
  timedPart("model stage: before to RGB", "model stage: to RGB"),
);
wrap(
  PictureConverter.prototype,
  "toFrame",
  timedPart("model stage: before from RGB", "model stage: from RGB"),
);

wrap(ProgramWorker.prototype, "call", async (call, [name]) => {
  if (name !== "run") return call();
  const frame = inModelStage;
  frame.stageMs["model stage: before the hop"] = performance.now() - frame.partEndedAt;
  const asked = sharedNow();
  const output = await call();
  const answered = sharedNow();
  const { probe } = output as ProbedRun;
  frame.partEndedAt = performance.now();
  frame.stageMs["model stage: hop to the model's thread"] = probe.begun - asked;
  frame.stageMs["model stage: session.run"] = probe.ended - probe.begun;
  frame.stageMs["model stage: hop back"] = answered - probe.ended;
  workerBytes += probe.copiedBytes;
  return output;
});

wrap(StageGroup.prototype, "add", (add, [stage]) => {
  wrap(stage as object, "transform", (call, [chunk]) => {
    const now = performance.now();
    const frame = frameAt((chunk as Tick).pts);
    const { stageMs } = frame;
    if (stage instanceof DecodeStage) {
      const { arrivedAt, data } = chunk as VideoPacket;
      stageMs["socket to decoder"] = now - arrivedAt;
      stageMs["socket to decoder: demux"] = demuxMs.get(data) ?? Number.NaN;
      unitBytes += data.length;
    } else if (stage instanceof InferStage) {
      stageMs["decoder to model stage"] = now - (chunk as VideoFrame).madeAt;
      frame.takenAt = frame.partEndedAt = now;
      inModelStage = frame;
    } else if (chunk instanceof VideoFrame) {
      stageMs["model stage"] = now - frame.takenAt;
      stageMs["model stage: before the encoder"] = now - frame.partEndedAt;
    } else {
      const { encodedAt, data } = chunk as EncodedVideo;
      const result = call(); // the segmenter waits for nothing
      frame.segmentedAt = performance.now();
      stageMs["encoder to segmenter"] = now - (encodedAt ?? Number.NaN);
      stageMs.segment = frame.segmentedAt - now;
      codedBytes += data.length;
      return result;
    }
    return call();
  });
  return add();
});

let frames = 0;
wrap(StreamReporter.prototype, "frameOut", (call, args) => {
  const [{ pts, arrivedAt }, sentAt = performance.now()] = args as Parameters<
    typeof StreamReporter.prototype.frameOut
  >;
  const { stageMs, segmentedAt } = frameAt(pts);
  stageMs.publish = sentAt - segmentedAt;
  open.delete(pts);
  finished.push({ latencyMs: sentAt - arrivedAt, stageMs });
  if (++frames === WARM_UP_FRAMES) reset();
  return call();
});

function reset(): void {
  finished.length = 0;
  unitBytes = codedBytes = workerBytes = 0;
  takeCopied();
}

wrap(Pipeline.prototype, "run", async (call) => {
  try {
    return await call();
  } finally {
    const copiedBytes = takeCopied() + workerBytes;
    const report: ProbeReport = { frames: finished, copiedBytes, unitBytes, codedBytes };
    await Bun.write(file, JSON.stringify(report));
    frames = 0;
    open.clear();
    reset();
  }
});
