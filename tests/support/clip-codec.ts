/** Runs packets through the decode stage and frames through the encode stage. All frames belong to `pool`. */

import { decode } from "../../src/engine/codec/decode-stream.ts";
import { encode } from "../../src/engine/codec/encode-stream.ts";
import { FramePool, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import type { EncodedVideo, VideoPacket } from "../../src/media/encoded-packet.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import type { ReadPacket } from "./clip-reader.ts";
import { drawFrame, type SyntheticOptions, synthetic } from "./clip-synthetic.ts";
import { RecordingObserver } from "./recording-observer.ts";

export const pool = new FramePool();

const packetOf = (read: ReadPacket, index: number): VideoPacket => ({
  kind: "video",
  codec: "h264",
  data: read.data,
  pts: ticks(read.pts),
  dts: ticks(read.dts),
  keyFrame: read.keyFrame,
  arrivedAt: index,
});

export async function packets(options: SyntheticOptions): Promise<VideoPacket[]> {
  const media = await synthetic(options);
  return (media.video?.packets ?? []).map(packetOf);
}

const streamOf = <T>(items: readonly T[]): ReadableStream<T> =>
  new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });

export interface Seen extends Size {
  readonly pts: number;
  readonly luma: number;
  readonly arrivedAt: number;
}

export function look(frame: VideoFrame): Seen {
  const { width, height, arrivedAt } = frame;
  const luma = frame.native.data?.[0]?.[(frame.native.linesize[0] ?? 0) * (height / 2) + 20] ?? -1;
  return { width, height, arrivedAt, luma, pts: Number(frame.pts) };
}

export async function decoded(
  input: readonly VideoPacket[],
  observer = new RecordingObserver(),
  calls: NativeCalls = UNRECORDED_CALLS,
): Promise<Seen[]> {
  const stages = new StageGroup();
  const seen: Seen[] = [];
  for await (const frame of streamOf(input).pipeThrough(
    stages.add(decode({ pool, calls, observer })),
  )) {
    seen.push(look(frame));
    frame[Symbol.dispose]();
  }
  await stages.settled();
  return seen;
}

export const PART = { width: 128, height: 96, frames: 40 };

/** Frames at these times, as input of the encode stage. */
export const frames = (times: readonly number[], size: Size = PART): VideoFrame[] =>
  times.map((pts, index) =>
    pool.adopt(drawFrame(size, index), { pts: ticks(pts), arrivedAt: index }),
  );

export async function encoded(
  input: readonly VideoFrame[],
  options: Partial<Parameters<typeof encode>[0]> = {},
): Promise<EncodedVideo[]> {
  const stages = new StageGroup();
  const stage = encode({
    calls: UNRECORDED_CALLS,
    segmentSeconds: 1,
    after: null,
    bitrate: () => undefined,
    observer: new RecordingObserver(),
    ...options,
  });
  const made: EncodedVideo[] = [];
  for await (const packet of streamOf(input).pipeThrough(stages.add(stage))) made.push(packet);
  await stages.settled();
  return made;
}

export const times = (count: number, interval: number): number[] =>
  Array.from({ length: count }, (_, index) => Math.round(index * interval));

export const keysOf = (made: readonly EncodedVideo[]): number[] =>
  made.flatMap(({ keyFrame }, index) => (keyFrame ? [index] : []));
