/** Makes the clips that fuzzers damage: some kilobytes in every container and codec of inputs. */
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import type { AudioCodec } from "../../../src/media/encoded-packet.ts";
import { muxFile } from "../../support/file-muxer.ts";
import { soundTrack } from "../../support/sound.ts";
import { encodeVideo, type VideoSourceOptions } from "../../support/video-source.ts";

export type Container = "mpegts" | "mp4" | "matroska";
export type Encoder = NonNullable<VideoSourceOptions["codec"]>;

const SIZE = { width: 64, height: 48 };
/** Pictures of each clip. */
export const FRAMES = 4;
const CODECS: Readonly<Record<Container, readonly (readonly [Encoder, AudioCodec])[]>> = {
  mpegts: [
    ["libx264", "aac"],
    ["libx265", "opus"],
  ],
  mp4: [
    ["libx264", "aac"],
    ["libx265", "opus"],
    ["libvpx-vp9", "opus"],
    ["libsvtav1", "aac"],
  ],
  matroska: [
    ["libx264", "aac"],
    ["libx265", "opus"],
    ["libvpx", "opus"],
    ["libvpx-vp9", "opus"],
    ["libsvtav1", "opus"],
  ],
};
const MUXER_OPTIONS: Readonly<Record<Container, Readonly<Record<string, string>>>> = {
  mpegts: { pat_period: "0.1" },
  mp4: { movflags: "frag_every_frame+empty_moov+default_base_moof" },
  matroska: { cluster_time_limit: "100", live: "1" },
};

/** Clips in this container, one for each codec. */
export function clipsIn(container: Container): Uint8Array[] {
  quietLibav();
  return CODECS[container].map(([encoder, audio]) => {
    const packets = pictures(encoder);
    const codec = packets[0]?.codec;
    if (codec === undefined) throw new Error(`${encoder} made no packet`);
    return muxFile({
      format: container,
      video: { codec, ...SIZE, packets },
      audio: sound(audio),
      options: MUXER_OPTIONS[container],
    });
  });
}

/** FFmpeg's encoder of each video codec. */
export const ENCODERS = ["libx264", "libx265", "libvpx", "libvpx-vp9", "libsvtav1"] as const;

/** A sound as long as the clips. */
export const sound = (codec: AudioCodec) => soundTrack({ codec, seconds: FRAMES / 25 });

const made = new Map<Encoder, ReturnType<typeof encodeVideo>>();

/** The packets of a clip of this encoder. */
export function pictures(codec: Encoder): ReturnType<typeof encodeVideo> {
  const luma = (x: number, y: number, time: number): number => (x * 3 + 2 * y + 9 * time) & 0xff;
  const known = made.get(codec);
  if (known !== undefined) return known;
  const packets = encodeVideo({ codec, ...SIZE, frames: FRAMES, luma, keyInterval: FRAMES });
  made.set(codec, packets);
  return packets;
}
