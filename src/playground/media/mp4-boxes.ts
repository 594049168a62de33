/** Reads MP4 boxes (ISO/IEC 14496-12 §4.2) and the codec strings of tracks. */

export interface Box {
  readonly type: string;
  /** Without the header. */
  readonly body: Uint8Array;
}

/** What a player must know of a track. */
export interface Mp4Track {
  readonly id: number;
  readonly kind: "video" | "audio";
  /** As `MediaSource.isTypeSupported` takes it (RFC 6381); the sample entry's type for codecs unknown here. */
  readonly codec: string;
  readonly timescale: number;
  /** A picture's `avcC` as a decoder takes it, and the size at which it is shown; null for other codecs and rotated tracks. */
  readonly picture: {
    readonly avcC: Uint8Array<ArrayBuffer>;
    readonly width: number;
    readonly height: number;
  } | null;
  readonly defaults: SampleDefaults;
}

/** For samples whose fragment does not have the field (`trex`, §8.8.3). */
export interface SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

const HEADER_BYTES = 8;
/** Size of a sample entry's fields before its boxes (§8.5.2, §12.1.3, §12.2.3). */
const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

export const uint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

/** Type and total size of the box that begins at `at`; null while its header is incomplete. */
export function boxHead(bytes: Uint8Array, at = 0): { type: string; size: number } | null {
  if (bytes.length < at + HEADER_BYTES) return null;
  const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
  return { type, size: uint32(bytes, at) };
}

/** The boxes in `bytes`, one after the other; stops at the first damaged one. */
export function* boxes(bytes: Uint8Array): Generator<Box> {
  for (let at = 0; ; ) {
    const head = boxHead(bytes, at);
    if (head === null || head.size < HEADER_BYTES || at + head.size > bytes.length) return;
    yield { type: head.type, body: bytes.subarray(at + HEADER_BYTES, at + head.size) };
    at += head.size;
  }
}

/** The first box at a path, or null. */
export function find(bytes: Uint8Array, ...path: readonly string[]): Uint8Array | null {
  let body: Uint8Array | null = bytes;
  for (const type of path) {
    if (body === null) return null;
    body = boxes(body).find((box) => box.type === type)?.body ?? null;
  }
  return body;
}

/** The bodies of all boxes of one type that lie in `bytes` one after the other. */
export const children = (bytes: Uint8Array, type: string): Uint8Array[] =>
  boxes(bytes)
    .filter((box) => box.type === type)
    .map(({ body }) => body)
    .toArray();

/** Turns the box with this body into padding, in place, so that no offset changes (§8.1.2). */
export function blank(body: Uint8Array): void {
  const type = new Uint8Array(body.buffer, body.byteOffset - 4, 4);
  type.set(new TextEncoder().encode("free"));
}

/** The id of the track that a `traf` with this body is of, and the decode time of its first sample; null where it is damaged. */
export function startOf(traf: Uint8Array): { id: number; decodeTime: number } | null {
  const tfhd = find(traf, "tfhd");
  const tfdt = find(traf, "tfdt");
  if (!tfhd || !tfdt) return null;
  const isLong = tfdt[0] === 1;
  const decodeTime = isLong ? uint32(tfdt, 4) * 2 ** 32 + uint32(tfdt, 8) : uint32(tfdt, 4);
  return { id: uint32(tfhd, 4), decodeTime };
}

/** The track that a `trak` of this `moov` describes, both without headers; null if it has neither picture nor sound. */
export function trackOf(trak: Uint8Array, moov: Uint8Array): Mp4Track | null {
  const tkhd = find(trak, "tkhd");
  const mdhd = find(trak, "mdia", "mdhd");
  const handler = find(trak, "mdia", "hdlr");
  const entries = find(trak, "mdia", "minf", "stbl", "stsd")?.subarray(8);
  const entry = entries && boxes(entries).next().value;
  if (!tkhd || !mdhd || !handler || !entry) return null;
  const kind = { vide: "video", soun: "audio" }[String.fromCharCode(...handler.subarray(8, 12))];
  if (kind !== "video" && kind !== "audio") return null;
  const id = uint32(tkhd, tkhd[0] === 1 ? 20 : 12);
  return {
    id,
    kind,
    codec: codecOf(entry),
    timescale: uint32(mdhd, mdhd[0] === 1 ? 20 : 12),
    picture: pictureOf(entry, tkhd),
    defaults: defaultsOf(moov, id),
  };
}

function defaultsOf(moov: Uint8Array, id: number): SampleDefaults {
  const found = children(find(moov, "mvex") ?? new Uint8Array(), "trex");
  const trex = found.find((one) => uint32(one, 4) === id) ?? new Uint8Array();
  return { duration: uint32(trex, 12), size: uint32(trex, 16), flags: uint32(trex, 20) };
}

/** The matrix of a `tkhd` that neither turns nor scales, in 16.16 and 2.30 fixed point (§8.3.2). */
const UPRIGHT = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

function pictureOf({ type, body }: Box, tkhd: Uint8Array): Mp4Track["picture"] {
  const avcC = type === "avc1" ? find(body.subarray(VISUAL_ENTRY_BYTES), "avcC") : null;
  const matrix = tkhd[0] === 1 ? 52 : 40;
  const isUpright = UPRIGHT.every((value, index) => uint32(tkhd, matrix + 4 * index) === value);
  if (avcC === null || !isUpright) return null;
  const [width, height] = [36, 40].map((at) => uint32(tkhd, matrix + at) >>> 16);
  if (!width || !height) return null;
  return { avcC: avcC.slice(), width, height };
}

function codecOf({ type, body }: Box): string {
  switch (type) {
    case "avc1":
    case "avc3": {
      const avcC = find(body.subarray(VISUAL_ENTRY_BYTES), "avcC");
      return avcC === null ? type : `${type}.${hex(avcC.subarray(1, 4))}`;
    }
    case "mp4a": {
      const esds = find(body.subarray(AUDIO_ENTRY_BYTES), "esds");
      return `mp4a.40.${(esds && audioObjectType(esds)) ?? 2}`;
    }
    case "Opus":
      return "opus";
    default:
      return type;
  }
}

/** The first five bits of the AudioSpecificConfig, behind the tag 5 (ISO/IEC 14496-1 §7.2.6.7). */
function audioObjectType(esds: Uint8Array): number | null {
  const tag = esds.lastIndexOf(5, esds.length - 4);
  if (tag < 0) return null;
  let at = tag + 1;
  while ((esds[at] ?? 0) & 0x80) at++; // lengths may be padded
  return (esds[at + 1] ?? 0) >> 3 || null;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
