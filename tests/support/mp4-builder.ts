/** Builds boxes of fragmented MP4 by hand, both as senders write them and malformed. */
import { concat } from "./ts-builder.ts";

type Bytes = Uint8Array | readonly number[];

export const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
export const u32 = (value: number): number[] => [
  (value >>> 24) & 255,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
export const u64 = (value: number): number[] => [
  ...u32(Math.floor(value / 2 ** 32)),
  ...u32(value % 2 ** 32),
];
const zeros = (count: number): number[] => Array<number>(count).fill(0);
const text = (value: string): number[] => [...Buffer.from(value, "latin1")];
const join = (parts: readonly Bytes[]): Uint8Array =>
  concat(parts.map((part) => Uint8Array.from(part)));

export function box(type: string, ...parts: readonly Bytes[]): Uint8Array {
  const body = join(parts);
  return join([u32(body.length + 8), text(type), body]);
}

export const fullBox = (type: string, head: number, ...parts: readonly Bytes[]): Uint8Array =>
  box(type, u32(head), ...parts);

/** A box with a 64-bit size. */
export function longBox(type: string, ...parts: readonly Bytes[]): Uint8Array {
  const body = join(parts);
  return join([u32(1), text(type), u64(body.length + 16), body]);
}

const SPS = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0];
const PPS = [0x68, 0xcb, 0x83, 0xcb, 0x20];
export const PARAMETER_SETS = Uint8Array.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS]);

/** AVCDecoderConfigurationRecord of these sets, with lengths of 4 bytes. */
export const AVC_CONFIG: readonly number[] = [
  ...[1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, ...u16(SPS.length), ...SPS],
  ...[1, ...u16(PPS.length), ...PPS],
];

/** A sample entry of H.264; `boxes` follow its configuration. */
export const avc1 = (...boxes: readonly Bytes[]): Uint8Array =>
  box("avc1", visualFields(), box("avcC", AVC_CONFIG), ...boxes);

export const visualFields = (width = 320, height = 240): number[] => [
  ...[...zeros(6), ...u16(1), ...zeros(16)],
  ...[...u16(width), ...u16(height), ...zeros(50)],
];

export const audioFields = (channels = 2, sampleRate = 48_000): number[] => [
  ...zeros(6),
  ...u16(1),
  ...zeros(8),
  ...u16(channels),
  ...u16(16),
  ...zeros(4),
  ...u16(sampleRate),
  ...u16(0),
];

/** A sample entry of AAC with this AudioSpecificConfig; low complexity, 48 kHz, stereo by default. */
export function mp4a(config: Bytes = [0x11, 0x90], object = 0x40): Uint8Array {
  return box("mp4a", audioFields(), esds(object, config));
}

/** An `esds` box with this object type and decoder specific information. */
export function esds(object: number, config: Bytes = []): Uint8Array {
  const descriptor = (tag: number, body: Bytes): number[] => [tag, body.length, ...body];
  const specific = config.length > 0 ? descriptor(5, config) : [];
  const decoder = descriptor(4, [object, 0x15, ...zeros(11), ...specific]);
  return fullBox("esds", 0, descriptor(3, [0, 0, 0, ...decoder]));
}

export const opusEntry = (channels = 2, rest: Bytes = [0]): Uint8Array =>
  box(
    "Opus",
    audioFields(channels),
    box("dOps", [0, channels, ...u16(312), ...u32(48_000), 0, 0], rest),
  );

export interface TrackOptions {
  readonly id: number;
  readonly kind: "vide" | "soun";
  readonly timescale: number;
  readonly entries: readonly Uint8Array[];
  /** Pairs of duration in milliseconds and media time, -1 for an empty edit. */
  readonly edits?: readonly (readonly [number, number])[];
  readonly longEdits?: boolean;
  readonly matrix?: readonly number[];
  /** Display size in whole pixels; 0 × 0 by default. */
  readonly shown?: readonly [number, number];
  /** Samples listed in the track itself, without saying where they are. */
  readonly listed?: number;
  /** Boxes of a whole sample table instead. */
  readonly table?: readonly Uint8Array[];
}

const IDENTITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

function trak(options: TrackOptions): Uint8Array {
  const { id, kind, timescale, entries, matrix = IDENTITY, listed = 0, shown = [0, 0] } = options;
  const size = shown.flatMap((pixels) => u32(pixels * 65_536));
  const tkhd = fullBox("tkhd", 3, zeros(8), u32(id), zeros(24), matrix.flatMap(u32), size);
  const mdhd = fullBox("mdhd", 0, zeros(8), u32(timescale), zeros(8));
  const hdlr = fullBox("hdlr", 0, zeros(4), text(kind), zeros(13));
  const stsd = fullBox("stsd", 0, u32(entries.length), ...entries);
  const sizes = fullBox("stsz", 0, u32(0), u32(listed), zeros(4 * listed));
  const stbl = box("stbl", stsd, ...(options.table ?? [sizes]));
  return box("trak", tkhd, editList(options), box("mdia", mdhd, hdlr, box("minf", stbl)));
}

function editList({ edits = [], longEdits = false }: TrackOptions): Uint8Array {
  if (edits.length === 0) return new Uint8Array(0);
  const time = (value: number): number[] =>
    longEdits ? [...u32(value < 0 ? -1 : Math.floor(value / 2 ** 32)), ...u32(value)] : u32(value);
  const entries = edits.map(([duration, mediaTime]) => [
    ...(longEdits ? u64(duration) : u32(duration)),
    ...time(mediaTime),
    ...u32(0x10000),
  ]);
  const head = longEdits ? 0x01000000 : 0;
  return box("edts", fullBox("elst", head, u32(edits.length), ...entries));
}

/** The defaults of a track's samples. */
export interface Trex {
  readonly id: number;
  readonly entry?: number;
  readonly duration?: number;
  readonly size?: number;
  readonly flags?: number;
}

/** `trex` null: no `mvex` box, as in a plain file. The movie counts milliseconds. */
export function moov(
  tracks: readonly TrackOptions[],
  trex: readonly Trex[] | null = [],
): Uint8Array {
  const mvhd = fullBox("mvhd", 0, zeros(8), u32(1000), zeros(80));
  const defaults = (trex ?? []).map(({ id, entry = 1, duration = 0, size = 0, flags = 0 }) =>
    fullBox("trex", 0, u32(id), u32(entry), u32(duration), u32(size), u32(flags)),
  );
  return box("moov", mvhd, ...tracks.map(trak), ...(trex ? [box("mvex", ...defaults)] : []));
}

export const ftyp = (): Uint8Array => box("ftyp", text("iso6"), u32(0), text("iso6"));

export interface Run {
  readonly count: number;
  /** Offset from the base of the track fragment; default: after the previous run. */
  readonly offset?: number;
  readonly firstFlags?: number;
  readonly durations?: readonly number[];
  readonly sizes?: readonly number[];
  readonly flags?: readonly number[];
  readonly cts?: readonly number[];
}

export interface Traf {
  readonly id: number;
  readonly base?: number;
  readonly entry?: number;
  readonly duration?: number;
  readonly size?: number;
  readonly flags?: number;
  /** The base is the fragment's own position. */
  readonly baseIsMoof?: boolean;
  readonly tfdt?: number;
  readonly runs: readonly Run[];
}

/** `trafs` receives the size of the box, which data offsets depend on. */
export function moof(trafs: (size: number) => readonly Traf[]): Uint8Array {
  const build = (size: number): Uint8Array =>
    box("moof", fullBox("mfhd", 0, u32(1)), ...trafs(size).map(traf));
  return build(build(0).length);
}

function traf({
  id,
  base,
  entry,
  duration,
  size,
  flags,
  baseIsMoof,
  tfdt,
  runs,
}: Traf): Uint8Array {
  const fields: [number, number[] | undefined][] = [
    [0x1, base === undefined ? undefined : u64(base)],
    [0x2, entry === undefined ? undefined : u32(entry)],
    [0x8, duration === undefined ? undefined : u32(duration)],
    [0x10, size === undefined ? undefined : u32(size)],
    [0x20, flags === undefined ? undefined : u32(flags)],
  ];
  const present = fields.reduce((sum, [flag, value]) => (value ? sum | flag : sum), 0);
  const head = present | (baseIsMoof ? 0x20000 : 0);
  const tfhd = fullBox(
    "tfhd",
    head,
    u32(id),
    ...fields.flatMap(([, value]) => (value ? [value] : [])),
  );
  const decodeTime = tfdt === undefined ? [] : [fullBox("tfdt", 0x01000000, u64(tfdt))];
  return box("traf", tfhd, ...decodeTime, ...runs.map(trun));
}

function trun({ count, offset, firstFlags, durations, sizes, flags, cts }: Run): Uint8Array {
  const columns = [durations, sizes, flags, cts];
  const head =
    (offset === undefined ? 0 : 0x1) |
    (firstFlags === undefined ? 0 : 0x4) |
    columns.reduce((sum, column, index) => (column ? sum | (0x100 << index) : sum), 0);
  const rows = Array.from({ length: columns.some(Boolean) ? count : 0 }, (_, index) =>
    columns.flatMap((column) => (column ? u32(column[index] ?? 0) : [])),
  );
  return fullBox(
    "trun",
    head | 0x01000000,
    u32(count),
    offset === undefined ? [] : u32(offset),
    firstFlags === undefined ? [] : u32(firstFlags),
    ...rows,
  );
}

export const mdat = (...parts: readonly Bytes[]): Uint8Array => box("mdat", ...parts);

/** An H.264 sample of one slice: `size` bytes including the length prefix. */
export function slice(size: number, kind: "idr" | "p" | "i" = "p"): Uint8Array {
  const sample = new Uint8Array(size).fill(0x99);
  // first_mb_in_slice 0 is one bit; slice types P and I are `1` (0 → P) and `00100` … coded as ue(v).
  const header = { idr: [0x65, 0xb8], p: [0x41, 0xe0], i: [0x41, 0xb8] }[kind];
  sample.set([...u32(size - 4), ...header]);
  return sample;
}
