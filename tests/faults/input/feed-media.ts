/** The clip that feeds of input send: some seconds of a real one where the shared data is, otherwise a synthetic one. */
import { VideoDecoder } from "../../../src/engine/codec/video-decoder.ts";
import { VideoEncoder } from "../../../src/engine/codec/video-encoder.ts";
import { FramePool } from "../../../src/engine/codec/video-frame.ts";
import { annexB } from "../../../src/media/annex-b.ts";
import { ticks } from "../../../src/media/time.ts";
import {
  type ReadMedia,
  type ReadPacket,
  type ReadTrack,
  readMedia,
} from "../../support/clip-reader.ts";
import { synthetic } from "../../support/clip-synthetic.ts";
import { sharedData } from "../../support/shared-data.ts";

const SECONDS = 8;
/** Times start above zero, so that a fault may put some of them earlier. */
export const START = 90_000;

/** Eight seconds of H.264 without B-frames and AAC, with a key frame every second. */
export async function feedMedia(): Promise<ReadMedia> {
  const path = sharedData("video/car-detection.mp4");
  if (path !== null) return await keyedEverySecond(await readMedia(path));
  const fps = 25;
  const parts = [{ width: 320, height: 180, frames: SECONDS * fps }];
  return await synthetic({ parts, fps, gop: fps, start: START, audio: { codec: "aac" } });
}

/** The first seconds of a clip, encoded again: its own key frames are five seconds apart. */
async function keyedEverySecond({ video, audio }: ReadMedia): Promise<ReadMedia> {
  if (!video) throw new Error("the clip has no video");
  const isEarly = ({ dts }: ReadPacket) => dts < SECONDS * 90_000;
  return {
    video: { ...video, extradata: new Uint8Array(0), packets: await encodedAgain(video, isEarly) },
    audio: audio && { ...audio, packets: audio.packets.filter(isEarly).map(later) },
  };
}

const later = (packet: ReadPacket): ReadPacket => ({
  ...packet,
  pts: packet.pts + START,
  dts: packet.dts + START,
});

async function encodedAgain(
  { packets, extradata }: ReadTrack,
  isWanted: (packet: ReadPacket) => boolean,
): Promise<ReadPacket[]> {
  using pool = new FramePool();
  using decoder = new VideoDecoder("h264", { pool, maxPixels: 4096 * 2304 });
  const sets = parameterSetsOf(extradata);
  const made: ReadPacket[] = [];
  let encoder: VideoEncoder | null = null;
  let nextKey = 0;
  for (const packet of packets.filter(isWanted)) {
    const data = annexB(packet.data, 4, packet.keyFrame ? sets : []);
    const times = { pts: ticks(packet.pts), dts: ticks(packet.dts), arrivedAt: 0 };
    const { keyFrame } = packet;
    for (const frame of await decoder.decode({
      kind: "video",
      codec: "h264",
      data,
      keyFrame,
      ...times,
    })) {
      using input = frame;
      encoder ??= new VideoEncoder({ size: { width: input.width, height: input.height } });
      const key = input.pts >= nextKey;
      if (key) nextKey = input.pts + 90_000 - 1;
      const { data: coded, format } = await encoder.encode(input, key);
      const whole = key ? Buffer.concat([format.parameterSets, coded]) : coded;
      made.push(
        later({ data: Uint8Array.from(whole), pts: input.pts, dts: input.pts, keyFrame: key }),
      );
    }
  }
  encoder?.[Symbol.dispose]();
  return made;
}

/** The parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1). */
function parameterSetsOf(record: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (record[at++] ?? 0) & mask;
    for (let index = 0; index < count; index++) {
      const length = ((record[at] ?? 0) << 8) | (record[at + 1] ?? 0);
      sets.push(record.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return sets;
}
