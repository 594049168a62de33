/** Makes packets for the fMP4 segmenter and reads its output. */
import { segmentFmp4 } from "../../src/engine/segment/fmp4-segmenter.ts";
import type {
  AudioFormat,
  EncodedAudio,
  EncodedVideo,
  OutputPacket,
  VideoFormat,
} from "../../src/media/encoded-packet.ts";
import type { Fragment } from "../../src/media/fragment.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { type Mp4, type Mp4Fragment, readMp4 } from "./mp4-boxes.ts";

export const SPS = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0];
export const PPS = [0x68, 0xcb, 0x83, 0xcb, 0x20];
export const FORMAT: VideoFormat = {
  width: 320,
  height: 180,
  parameterSets: Uint8Array.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS]),
};

/** Frame `index` at 30 a second; its slice contains the number. */
export const video = (index: number, keyFrame: boolean, format = FORMAT): EncodedVideo => ({
  kind: "video",
  codec: "h264",
  data: Uint8Array.from([0, 0, 0, 1, keyFrame ? 0x65 : 0x41, 0x80 | (index >> 7), 0x80 | index]),
  pts: ticks(3000 * index),
  dts: ticks(3000 * index),
  keyFrame,
  arrivedAt: index,
  format,
});

/** AAC frame `index` at 48 kHz. */
export const aac = (index: number, change: Partial<EncodedAudio> = {}): EncodedAudio => ({
  kind: "audio",
  codec: "aac",
  data: Uint8Array.from([0x21, index & 0xff]),
  pts: ticks(1920 * index),
  duration: ticks(1920),
  sampleRate: 48_000,
  channels: 2,
  arrivedAt: 0,
  ...change,
});

export async function segment(
  packets: OutputPacket[],
  promised: AudioFormat | null = null,
): Promise<Fragment[]> {
  const stages = new StageGroup();
  const source = new ReadableStream<OutputPacket>({
    start(controller) {
      for (const packet of packets) controller.enqueue(packet);
      controller.close();
    },
  });
  const fragments: Fragment[] = [];
  for await (const made of source.pipeThrough(
    stages.add(segmentFmp4({ promisedAudio: () => promised })),
  ))
    fragments.push(made);
  await stages.settled();
  return fragments;
}

/** Reads each segment as a file. */
export function files(fragments: Fragment[]): Mp4[] {
  const parts: Uint8Array[][] = [];
  for (const fragment of fragments) {
    if (fragment.first) parts.push([]);
    parts.at(-1)?.push(fragment.data);
  }
  return parts.map((each) => readMp4(Uint8Array.from(Buffer.concat(each))));
}

export const fragmentsOf = (all: Mp4[], entry: string): Mp4Fragment[] =>
  all.flatMap(({ tracks, fragments }) => {
    const track = tracks.find((each) => each.entry === entry);
    return fragments.filter((fragment) => fragment.track === track?.id);
  });

export const frames = (from: number, to: number, gop = 10): EncodedVideo[] =>
  Array.from({ length: to - from }, (_, index) => video(from + index, (from + index) % gop === 0));

/** Video and audio packets in interleaved order. */
export const mixed = (
  count: number,
  sound: (index: number) => EncodedAudio[] = (index) => [aac(index)],
) => frames(0, count).flatMap((frame, index) => [frame, ...sound(index)]);
