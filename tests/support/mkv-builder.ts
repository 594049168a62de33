/** Builds elements of Matroska by hand, both as senders write them and malformed. */
import { MKV } from "../../src/engine/source/matroska/ids.ts";
import { concat } from "./ts-builder.ts";

type Bytes = Uint8Array | readonly number[];

const join = (parts: readonly Bytes[]): Uint8Array =>
  concat(parts.map((part) => Uint8Array.from(part)));

/** A number in as few bytes as it takes, at least one. */
export function uint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return bytes.length > 0 ? bytes : [0];
}

export const text = (value: string): number[] => [...Buffer.from(value, "latin1")];

export const float = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return Uint8Array.from(bytes);
};

/** A size of `bytes` bytes. */
export function vint(value: number, bytes = 4): number[] {
  const digits = uint(value);
  const all = [...Array<number>(bytes - digits.length).fill(0), ...digits];
  return [(all[0] ?? 0) | (0x80 >> (bytes - 1)), ...all.slice(1)];
}

export function element(id: number, ...parts: readonly Bytes[]): Uint8Array {
  const data = join(parts);
  return join([uint(id), vint(data.length), data]);
}

const UNKNOWN_SIZE = [0x01, 255, 255, 255, 255, 255, 255, 255];

/** The head of an element of unknown size. */
export const open = (id: number): Uint8Array => join([uint(id), UNKNOWN_SIZE]);

/** The head of a file, and of its segment of unknown size. */
export const header = (docType = "webm"): Uint8Array =>
  join([element(MKV.ebml, element(MKV.docType, text(docType))), open(MKV.segment)]);

export const info = (scale: number): Uint8Array =>
  element(MKV.info, element(MKV.timestampScale, uint(scale)));

export interface TrackOptions {
  readonly number?: number;
  readonly codec?: string;
  readonly config?: Bytes;
  /** Further elements of the track entry. */
  readonly more?: readonly Uint8Array[];
}

export const videoTrack = (
  { number = 1, codec = "V_VP8", config, more = [] }: TrackOptions = {},
  ...video: readonly Uint8Array[]
): Uint8Array =>
  element(
    MKV.trackEntry,
    element(MKV.trackNumber, uint(number)),
    element(MKV.trackType, [1]),
    element(MKV.codecId, text(codec)),
    ...(config ? [element(MKV.codecPrivate, config)] : []),
    element(
      MKV.video,
      element(MKV.pixelWidth, uint(320)),
      element(MKV.pixelHeight, uint(240)),
      ...video,
    ),
    ...more,
  );

export const audioTrack = ({
  number = 2,
  codec = "A_OPUS",
  config,
  sampleRate = 48_000,
  channels = 2,
  more = [],
}: TrackOptions & {
  readonly sampleRate?: number;
  readonly channels?: number;
} = {}): Uint8Array =>
  element(
    MKV.trackEntry,
    element(MKV.trackNumber, uint(number)),
    element(MKV.trackType, [2]),
    element(MKV.codecId, text(codec)),
    ...(config ? [element(MKV.codecPrivate, config)] : []),
    element(
      MKV.audio,
      element(MKV.samplingFrequency, float(sampleRate)),
      element(MKV.channels, uint(channels)),
    ),
    ...more,
  );

export const tracks = (...entries: readonly Uint8Array[]): Uint8Array =>
  element(MKV.tracks, ...entries);

/** A cluster of unknown size. */
export const cluster = (time: number, ...blocks: readonly Uint8Array[]): Uint8Array =>
  join([open(MKV.cluster), element(MKV.timestamp, uint(time)), ...blocks]);

/** A cluster whose size is given. */
export const sizedCluster = (time: number, ...blocks: readonly Uint8Array[]): Uint8Array =>
  element(MKV.cluster, element(MKV.timestamp, uint(time)), ...blocks);

const blockBody = (track: number, time: number, flags: number, data: Bytes): Uint8Array =>
  join([vint(track, 1), [(time >> 8) & 255, time & 255, flags], data]);

const KEY = 0x80;

export const simpleBlock = (track: number, time: number, data: Bytes, flags = KEY): Uint8Array =>
  element(MKV.simpleBlock, blockBody(track, time, flags, data));

/** A block in a group; `more` are further elements of the group. */
export const blockGroup = (
  track: number,
  time: number,
  data: Bytes,
  ...more: readonly Uint8Array[]
): Uint8Array =>
  element(MKV.blockGroup, element(MKV.block, blockBody(track, time, 0, data)), ...more);

/** The beginning of a VP8 frame of 320x240. */
export const vp8Frame = (key: boolean, bytes = 40): Uint8Array => {
  const frame = new Uint8Array(bytes).fill(7);
  frame.set(key ? [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00] : [0x11, 0, 0]);
  return frame;
};
