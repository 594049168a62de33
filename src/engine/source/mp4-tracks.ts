/** What a `moov` says of its tracks, and how boxes lie one after the other (ISO/IEC 14496-12). */
import type { AudioCodec, VideoCodec } from "../../media/encoded-packet.ts";

/** One box; `body` is a view without the header, `offset` where the box began in the bytes given. */
export interface Mp4Box {
  readonly type: string;
  readonly body: Uint8Array;
  readonly offset: number;
}

/** Where samples come from when a fragment does not say it (`trex`). */
export interface SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** One track that can be decoded. */
export type Mp4Track = { readonly id: number; readonly timescale: number } & (
  | {
      readonly kind: "video";
      readonly codec: VideoCodec;
      /** Bytes of a NAL unit's length; 0 where samples are no NAL units. */
      readonly lengthBytes: number;
      /** Parameter sets from the sample entry. */
      readonly parameterSets: readonly Uint8Array[];
    }
  | {
      readonly kind: "audio";
      readonly codec: AudioCodec;
      readonly sampleRate: number;
      readonly channels: number;
    }
);

const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

/** The whole boxes in `bytes`; what is cut off at the end is left out. */
export function* readBoxes(bytes: Uint8Array): Generator<Mp4Box> {
  let offset = 0;
  while (offset + 8 <= bytes.length) {
    const header = boxHeader(bytes, offset);
    if (!header || offset + header.size > bytes.length) return;
    const body = bytes.subarray(offset + header.bytes, offset + header.size);
    yield { type: header.type, body, offset };
    offset += header.size;
  }
}

/** What stands at the head of a box; `size` with the header, `bytes` of the header itself. */
export interface BoxHeader {
  readonly type: string;
  readonly size: number;
  readonly bytes: number;
}

/** Type and size of the box at `offset`, if its header is there; null if it is not, or makes no sense. */
export function boxHeader(bytes: Uint8Array, offset: number): BoxHeader | null {
  if (offset + 8 > bytes.length) return null;
  const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
  const short = uint32(bytes, offset);
  if (short !== 1) return short < 8 ? null : { type, size: short, bytes: 8 };
  if (offset + 16 > bytes.length) return null;
  const size = uint32(bytes, offset + 8) * 2 ** 32 + uint32(bytes, offset + 12);
  if (size < 16) return null;
  return { type, size, bytes: 16 };
}

/** The first box with this path below `bytes`, without its header. */
export function findBox(bytes: Uint8Array, ...path: string[]): Uint8Array | null {
  let at: Uint8Array | null = bytes;
  for (const type of path)
    at = (at && readBoxes(at).find((box) => box.type === type)?.body) ?? null;
  return at;
}

/** The first video and the first audio track that can be used, and every track's defaults by id. */
export function readMoov(moov: Uint8Array): {
  tracks: Mp4Track[];
  defaults: Map<number, SampleDefaults>;
} {
  const all = [...readBoxes(moov)]
    .filter(({ type }) => type === "trak")
    .map(({ body }) => readTrack(body))
    .filter((track) => track !== null);
  const tracks = (["video", "audio"] as const).flatMap(
    (kind) => all.find((track) => track.kind === kind) ?? [],
  );
  const defaults = new Map<number, SampleDefaults>();
  for (const { type, body } of readBoxes(findBox(moov, "mvex") ?? new Uint8Array())) {
    if (type !== "trex") continue;
    const [id = 0, , duration = 0, size = 0, flags = 0] = words(body, 4);
    defaults.set(id, { duration, size, flags });
  }
  return { tracks, defaults };
}

function readTrack(trak: Uint8Array): Mp4Track | null {
  const tkhd = findBox(trak, "tkhd");
  const mdhd = findBox(trak, "mdia", "mdhd");
  const stsd = findBox(trak, "mdia", "minf", "stbl", "stsd");
  const entry = stsd && readBoxes(stsd.subarray(8)).next().value;
  if (!tkhd || !mdhd || !entry) return null;
  const common = {
    id: uint32(tkhd, tkhd[0] === 1 ? 20 : 12),
    timescale: uint32(mdhd, mdhd[0] === 1 ? 20 : 12),
  };
  const visual = entry.body.subarray(VISUAL_ENTRY_BYTES);
  const raw = { kind: "video", lengthBytes: 0, parameterSets: [] } as const;
  switch (entry.type) {
    case "avc1":
    case "avc3": {
      const config = findBox(visual, "avcC");
      return config && { ...common, kind: "video", codec: "h264", ...avcConfig(config) };
    }
    case "hvc1":
    case "hev1": {
      const config = findBox(visual, "hvcC");
      return config && { ...common, kind: "video", codec: "hevc", ...hevcConfig(config) };
    }
    case "vp08":
      return { ...common, ...raw, codec: "vp8" };
    case "vp09":
      return { ...common, ...raw, codec: "vp9" };
    case "av01":
      return { ...common, ...raw, codec: "av1" };
    case "mp4a":
    case "Opus": {
      const codec = entry.type === "mp4a" ? "aac" : "opus";
      const channels = uint16(entry.body, 16);
      const sampleRate = codec === "opus" ? 48_000 : uint16(entry.body, AUDIO_ENTRY_BYTES - 4);
      return { ...common, kind: "audio", codec, channels, sampleRate };
    }
    default:
      return null;
  }
}

/** ISO/IEC 14496-15 §5.3.3.1. */
function avcConfig(config: Uint8Array): { lengthBytes: number; parameterSets: Uint8Array[] } {
  const sets: Uint8Array[] = [];
  let at = 6;
  const take = (count: number): void => {
    for (; count > 0; count--) {
      sets.push(config.slice(at + 2, at + 2 + uint16(config, at)));
      at += 2 + uint16(config, at);
    }
  };
  take((config[5] ?? 0) & 0x1f);
  const pictures = config[at++] ?? 0;
  take(pictures);
  return { lengthBytes: ((config[4] ?? 3) & 3) + 1, parameterSets: sets };
}

/** ISO/IEC 14496-15 §8.3.3.1. */
function hevcConfig(config: Uint8Array): { lengthBytes: number; parameterSets: Uint8Array[] } {
  const sets: Uint8Array[] = [];
  let at = 23;
  for (let array = config[22] ?? 0; array > 0; array--) {
    const count = uint16(config, at + 1);
    at += 3;
    for (let nal = 0; nal < count; nal++) {
      sets.push(config.slice(at + 2, at + 2 + uint16(config, at)));
      at += 2 + uint16(config, at);
    }
  }
  return { lengthBytes: ((config[21] ?? 3) & 3) + 1, parameterSets: sets };
}

/** The 32-bit words of `bytes` from `from` on. */
export function words(bytes: Uint8Array, from: number): number[] {
  const count = Math.max(0, Math.floor((bytes.length - from) / 4));
  return Array.from({ length: count }, (_, index) => uint32(bytes, from + index * 4));
}

export const uint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
