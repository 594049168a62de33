/** Child process of the memory benchmark: what the native parts of a stream hold. `bun stream-parts.ts <clip.json>` */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { PictureMemory } from "../../src/engine/codec/picture-memory.ts";
import { VideoDecoder } from "../../src/engine/codec/video-decoder.ts";
import { VideoEncoder } from "../../src/engine/codec/video-encoder.ts";
import { FramePool, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { memoryOf } from "../../tests/support/process-memory.ts";
import { accessUnits, type Clip } from "./clip.ts";
import { packetsOf } from "./clip-packets.ts";

/** Instances of each part. */
const COUNT = 8;
/** Frames that pass through each. */
const FRAMES = 60;

/** MB of one, by its name. */
export type StreamParts = Readonly<Record<"decoder" | "conversions" | "encoder", number>>;

/** Opens one part and uses it as a stream does; returns the objects to keep alive. */
type Use = (packets: readonly VideoPacket[], frames: readonly VideoFrame[]) => Promise<unknown>;

const useDecoder: Use = async (packets) => {
  const pool = new FramePool();
  const decoder = new VideoDecoder("h264", { pool, maxPixels: 4096 * 2304 });
  for (const packet of packets)
    for (const frame of await decoder.decode(packet)) frame[Symbol.dispose]();
  return { pool, decoder };
};

/** As an infer stage and its finisher have them. */
const useConversions: Use = async (_packets, frames) => {
  const memory = new PictureMemory();
  const before = new PictureConverter(UNRECORDED_CALLS, memory);
  const after = new PictureConverter(UNRECORDED_CALLS);
  for (const frame of frames) {
    const picture = await before.toPicture(frame.native, frame, "cover");
    (await after.toFrame(picture, frame, "cover")).free();
    memory.give(picture);
  }
  return { memory, before, after };
};

const useEncoder: Use = async (_packets, frames) => {
  const [{ width = 0, height = 0 } = {}] = frames;
  const encoder = new VideoEncoder({ size: { width, height } });
  for (const [index, frame] of frames.entries()) await encoder.encode(frame, index === 0);
  return encoder;
};

async function measure(clip: Clip): Promise<StreamParts> {
  quietLibav();
  const packets = packetsOf((await accessUnits(clip)).slice(0, FRAMES));
  const decoder = new VideoDecoder("h264", { pool: new FramePool(), maxPixels: 4096 * 2304 });
  const frames: VideoFrame[] = [];
  for (const packet of packets) frames.push(...(await decoder.decode(packet)));
  const alive: unknown[] = [];
  const each = async (use: Use): Promise<number> => {
    alive.push(await use(packets, frames)); // compiles, and fills what all of them share
    const before = anonymous();
    for (let n = 0; n < COUNT; n++) alive.push(await use(packets, frames));
    return (anonymous() - before) / COUNT;
  };
  return {
    decoder: await each(useDecoder),
    conversions: await each(useConversions),
    encoder: await each(useEncoder),
  };
}

function anonymous(): number {
  Bun.gc(true);
  return memoryOf(process.pid).anonymous;
}

if (import.meta.main) {
  const clip = (await Bun.file(process.argv[2] ?? "").json()) as Clip;
  process.stdout.write(JSON.stringify(await measure(clip)));
  process.exit(0);
}
