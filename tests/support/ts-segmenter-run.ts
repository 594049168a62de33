/** Runs packets through the MPEG-TS segmenter and reads its output. */
import { TsSegmenter, type TsSegmenterOptions } from "../../src/engine/segment/ts-segmenter.ts";
import type { PlainError } from "../../src/errors.ts";
import type { EncodedAudio, EncodedVideo, OutputPacket } from "../../src/media/encoded-packet.ts";
import type { Fragment } from "../../src/media/fragment.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { video } from "./mp4-segments.ts";
import { type SeenPacket, seenPackets } from "./ts-reader.ts";

export interface TsRun {
  readonly fragments: readonly Fragment[];
  readonly packets: readonly SeenPacket[];
  readonly troubles: readonly PlainError[];
  readonly segmenter: TsSegmenter;
}

export async function segmentTs(
  input: readonly OutputPacket[],
  options: Partial<TsSegmenterOptions> = {},
): Promise<TsRun> {
  const troubles: PlainError[] = [];
  const segmenter = new TsSegmenter({
    promisedAudio: () => null,
    onTrouble: (error) => void troubles.push(error),
    ...options,
  });
  const source = new ReadableStream<OutputPacket>({
    start(controller) {
      for (const packet of input) controller.enqueue(packet);
      controller.close();
    },
  });
  const fragments: Fragment[] = [];
  const stages = new StageGroup();
  for await (const made of source.pipeThrough(stages.add(segmenter))) fragments.push(made);
  await stages.settled();
  return { fragments, troubles, segmenter, packets: seenPackets(bytesOf(fragments)) };
}

export const bytesOf = (fragments: readonly Fragment[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(fragments.map(({ data }) => data)));

/** The packets of each segment. */
export function bySegment(fragments: readonly Fragment[]): SeenPacket[][] {
  const segments: Fragment[][] = [];
  for (const fragment of fragments) {
    if (fragment.first) segments.push([]);
    segments.at(-1)?.push(fragment);
  }
  return segments.map((each) => seenPackets(bytesOf(each)));
}

/** Picture `index` at 30 a second, with an access unit of `size` bytes. */
export function sized(index: number, size: number, keyFrame = false): EncodedVideo {
  const data = new Uint8Array(size).fill(0x55);
  data.set([0, 0, 0, 1, keyFrame ? 0x65 : 0x41, 0x80]);
  return { ...video(index, keyFrame), data };
}

/** Opus packet `index` of 20 ms. */
export const opus = (index: number, change: Partial<EncodedAudio> = {}): EncodedAudio => ({
  kind: "audio",
  codec: "opus",
  data: Uint8Array.from([0xfc, index & 0xff, 1, 2, 3]),
  pts: ticks(1800 * index),
  duration: ticks(1800),
  sampleRate: 48_000,
  channels: 2,
  arrivedAt: 0,
  ...change,
});
