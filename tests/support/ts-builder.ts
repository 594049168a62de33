/** Builds transport packets by hand for unit tests, both as real muxers write them and malformed. */
import { crc32 } from "../../src/media/mpeg-ts.ts";

export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;
const MAP_PID = 0x1000;

export interface TsOptions {
  readonly pid?: number;
  readonly unitStart?: boolean;
  readonly counter?: number;
  readonly randomAccess?: boolean;
  /** Adds a PCR field. */
  readonly pcr?: boolean;
  readonly errorBit?: boolean;
  readonly scrambled?: boolean;
  /** The adaptation field's private data. */
  readonly privateData?: Uint8Array;
}

/** One packet of 188 bytes; the adaptation field is stuffed to fill it. */
export function tsPacket(payload: Uint8Array, options: TsOptions = {}): Uint8Array {
  const { pid = VIDEO_PID, unitStart = false, counter = 0 } = options;
  const fields: number[] = [];
  let flags = options.randomAccess ? 0x40 : 0;
  if (options.pcr) {
    flags |= 0x10;
    fields.push(0, 0, 0, 0, 0x7e, 0);
  }
  if (options.privateData) {
    flags |= 0x02;
    fields.push(options.privateData.length, ...options.privateData);
  }
  const needed = flags || fields.length > 0 ? 2 + fields.length : 0;
  const room = 184 - payload.length;
  if (room < needed) throw new Error(`a payload of ${payload.length} bytes does not fit`);
  const packet = new Uint8Array(188).fill(0xff);
  packet[0] = 0x47;
  packet[1] = (options.errorBit ? 0x80 : 0) | (unitStart ? 0x40 : 0) | (pid >> 8);
  packet[2] = pid & 0xff;
  const control = (room > 0 ? 2 : 0) | (payload.length > 0 ? 1 : 0);
  packet[3] = (options.scrambled ? 0x80 : 0) | (control << 4) | (counter & 15);
  if (room > 0) packet[4] = room - 1;
  if (room > 1) packet.set([flags, ...fields], 5);
  packet.set(payload, 188 - payload.length);
  return packet;
}

/** Splits bytes into packets of one PID; only the last is stuffed. */
export function tsPackets(bytes: Uint8Array, options: TsOptions = {}): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = at === 0;
    const room = first && (options.randomAccess || options.pcr) ? 184 - (options.pcr ? 8 : 2) : 184;
    const part = bytes.subarray(at, at + room);
    const { randomAccess, pcr, ...rest } = options;
    packets.push(
      tsPacket(part, {
        ...(first ? options : rest),
        unitStart: first,
        counter: packets.length,
      }),
    );
    at += part.length;
  }
  return packets;
}

export interface PesOptions {
  readonly pts: number;
  readonly dts?: number;
  /** Write the PES length; default 0, as muxers do for video. */
  readonly sized?: boolean;
  readonly streamId?: number;
}

/** One PES packet. */
export function pes(payload: Uint8Array, options: PesOptions): Uint8Array {
  const { pts, dts, sized, streamId = 0xe0 } = options;
  const stamps =
    dts === undefined ? stamp(2, pts) : Uint8Array.from([...stamp(3, pts), ...stamp(1, dts)]);
  const length = sized ? 3 + stamps.length + payload.length : 0;
  return Uint8Array.from([
    ...[0, 0, 1, streamId, length >> 8, length & 0xff],
    ...[0x80, dts === undefined ? 0x80 : 0xc0, stamps.length],
    ...stamps,
    ...payload,
  ]);
}

function stamp(mark: number, ticks: number): Uint8Array {
  const value = BigInt.asUintN(33, BigInt(ticks));
  const bits = (from: bigint, count: number): number =>
    Number((value >> from) & ((1n << BigInt(count)) - 1n));
  return Uint8Array.from([
    (mark << 4) | (bits(30n, 3) << 1) | 1,
    bits(22n, 8),
    (bits(15n, 7) << 1) | 1,
    bits(7n, 8),
    (bits(0n, 7) << 1) | 1,
  ]);
}

export interface MapEntry {
  readonly pid: number;
  /** Stream type, e.g. 0x1b for H.264. */
  readonly type: number;
  readonly descriptors?: readonly number[];
}

export const H264 = { pid: VIDEO_PID, type: 0x1b };
export const AAC = { pid: AUDIO_PID, type: 0x0f };
export const OPUS = {
  pid: AUDIO_PID,
  type: 0x06,
  descriptors: [5, 4, 0x4f, 0x70, 0x75, 0x73, 0x7f, 2, 0x80, 2],
};

/** PAT and PMT of program 1; a map too long for one packet goes on in the next. */
export const tables = (entries: readonly MapEntry[], mapPid = MAP_PID): Uint8Array[] => [
  ...pat([[1, mapPid]]),
  ...pmt(1, entries, mapPid),
];

export interface SectionOptions {
  readonly version?: number;
  readonly section?: number;
  readonly lastSection?: number;
  /** The table becomes valid later. */
  readonly isNext?: boolean;
}

/** A program association table: program numbers and the PIDs of their maps. */
export const pat = (
  programs: readonly (readonly [program: number, mapPid: number])[],
  options: SectionOptions = {},
): Uint8Array[] => {
  const body = programs.flatMap(([program, pid]) => [...word(program), ...word(0xe000 | pid)]);
  return packetsOf(0, section(0, 1, body, options));
};

/** The map of one program. */
export function pmt(
  program: number,
  entries: readonly MapEntry[],
  mapPid = MAP_PID,
  options: SectionOptions = {},
): Uint8Array[] {
  const map = entries.flatMap(({ pid, type, descriptors = [] }) => [
    ...[type, ...word(0xe000 | pid)],
    ...[0xf0, descriptors.length, ...descriptors],
  ]);
  return packetsOf(mapPid, section(2, program, [0xe1, 0x00, 0xf0, 0, ...map], options));
}

/** A section, its pointer field in front. */
function section(
  table: number,
  id: number,
  body: readonly number[],
  { version = 0, section: number = 0, lastSection = 0, isNext = false }: SectionOptions,
): Uint8Array {
  const length = 5 + body.length + 4;
  const flags = 0xc0 | (version << 1) | (isNext ? 0 : 1);
  const head = [table, ...word(0xb000 | length), ...word(id), flags, number, lastSection];
  const bytes = [...head, ...body];
  const sum = crc32(Uint8Array.from(bytes));
  return Uint8Array.from([0, ...bytes, ...word(sum >>> 16), ...word(sum & 0xffff)]);
}

const word = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];

/** Tables are padded after the section, not by an adaptation field. */
function packetsOf(pid: number, payload: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += 184) {
    const full = new Uint8Array(184).fill(0xff);
    full.set(payload.subarray(at, at + 184));
    packets.push(tsPacket(full, { pid, unitStart: at === 0, counter: packets.length }));
  }
  return packets;
}

/** An access unit of `size` bytes: a delimiter and the first slice of a picture, without start codes in it. */
export function accessUnit(size: number, key = false, fill = 0x55): Uint8Array {
  const unit = new Uint8Array(size).fill(fill);
  unit.set([0, 0, 0, 1, 9, 0xf0, 0, 0, 1, ...(key ? [0x65, 0x88] : [0x41, 0x9a])]);
  return unit;
}

/** Concatenates packets. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
