/** Decodes what hostile streams bring, in a process of its own; see `decoders.ts` and `pictures.ts`. */
import { AudioDecoder } from "../../../src/engine/codec/audio-decoder.ts";
import { decodeImage } from "../../../src/engine/codec/image-file.ts";
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import { readPackedPicture } from "../../../src/engine/codec/packed-picture.ts";
import { VideoDecoder } from "../../../src/engine/codec/video-decoder.ts";
import { FramePool } from "../../../src/engine/codec/video-frame.ts";
import { WorkerError } from "../../../src/errors.ts";
import type { AudioFormat, VideoCodec } from "../../../src/media/encoded-packet.ts";
import { ticks } from "../../../src/media/time.ts";
import { serveCases } from "./child.ts";

export type DecodeCase =
  | { readonly kind: "video"; readonly codec: VideoCodec; readonly packets: readonly Uint8Array[] }
  | {
      readonly kind: "audio";
      readonly format: AudioFormat;
      readonly packets: readonly Uint8Array[];
    }
  | { readonly kind: "picture"; readonly file: Uint8Array };

/** Of what streams may bring: damage may say that a picture is huge. */
const MAX_PIXELS = 4096 * 2304;
const MAX_SIDE = 16_384;

quietLibav();
const pool = new FramePool();
serveCases(async (input: DecodeCase) => {
  if (input.kind === "video") await decodeVideo(input);
  else if (input.kind === "audio") decodeAudio(input);
  else await decodePicture(input.file);
});

async function decodeVideo({ codec, packets }: Extract<DecodeCase, { kind: "video" }>) {
  using decoder = new VideoDecoder(codec, { pool, maxPixels: MAX_PIXELS });
  const show = (frames: Awaited<ReturnType<VideoDecoder["flush"]>>): void => {
    for (const frame of frames) {
      using shown = frame;
      if (shown.width * shown.height > MAX_PIXELS)
        throw new Error("a picture with more pixels than allowed is decoded");
    }
  };
  for (const [index, data] of packets.entries()) {
    const time = ticks(3600 * index);
    const common = { kind: "video", codec, arrivedAt: 0, keyFrame: index === 0 } as const;
    show(await decoder.decode({ ...common, data, pts: time, dts: time }));
  }
  show(await decoder.flush());
  decoder.takeLost();
  if (pool.live > 0) throw new Error("frames are left");
}

function decodeAudio({ format, packets }: Extract<DecodeCase, { kind: "audio" }>): void {
  let decoder: AudioDecoder;
  try {
    decoder = new AudioDecoder(format);
  } catch {
    return; // the stream goes on without this sound
  }
  using _decoder = decoder;
  for (const data of packets) {
    const time = ticks(0);
    decoder.decode({ kind: "audio", ...format, data, pts: time, duration: time, arrivedAt: 0 });
  }
}

async function decodePicture(file: Uint8Array): Promise<void> {
  try {
    const frame = await decodeImage(file);
    const { width, height } = frame;
    frame.free();
    if (Math.max(width, height) > MAX_SIDE) throw new Error(`a picture of ${width}x${height}`);
    const packed = await readPackedPicture(file);
    if (packed.data.length !== packed.width * packed.height * packed.channels)
      throw new Error("a picture without all of its pixels");
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    if (!error.message.startsWith("image ") || error.details[0]?.field !== "image")
      throw new Error(`a refusal that does not name the field: ${error.message}`);
  }
}
