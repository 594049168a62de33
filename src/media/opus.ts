/** Reads and writes what describes an Opus stream: packet lengths, OpusHead and `dOps` (RFC 6716, RFC 7845). */

/** Every Opus decoder's output rate; times of Opus packets count it. */
export const OPUS_SAMPLE_RATE = 48_000;

/** Samples at 48 kHz that a packet decodes to (RFC 6716 §3.1). */
export function opusSamples(packet: Uint8Array): number {
  const toc = packet[0] ?? 0;
  const config = toc >> 3;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  if (config >= 16) return frames * (120 << (config & 3)); // CELT: 2.5, 5, 10, 20 ms
  if (config >= 12) return frames * (480 << (config & 1)); // hybrid: 10, 20 ms
  return frames * ([480, 960, 1920, 2880][config & 3] ?? 960); // SILK: 10, 20, 40, 60 ms
}

/** How the streams of a multichannel Opus packet become channels. */
export interface OpusMapping {
  /** Channel mapping family: 0 mono or stereo, 1 surround, 255 and others without a known layout. */
  readonly family: number;
  /** Stream count, coupled stream count, and one entry a channel; empty for family 0. */
  readonly table: readonly number[];
}

/** Mapping tables of family 1 by channel count: 3.0 to 7.1 (RFC 7845 §5.1.1.2). */
const SURROUND: Readonly<Record<number, readonly number[]>> = {
  3: [2, 1, 0, 2, 1],
  4: [2, 2, 0, 1, 2, 3],
  5: [3, 2, 0, 4, 1, 2, 3],
  6: [4, 2, 0, 4, 1, 2, 3, 5],
  7: [5, 2, 0, 4, 1, 2, 3, 5, 6],
  8: [5, 3, 0, 6, 1, 2, 3, 4, 5, 7],
};

/** Two independent mono streams, as MPEG-TS writes channel code 0 (ETSI TS 103 491). */
export const DUAL_MONO: OpusMapping = { family: 255, table: [2, 0, 0, 1] };

/** The usual mapping of so many channels, 1 to 8. */
export function opusMapping(channels: number): OpusMapping {
  const table = SURROUND[channels];
  return table ? { family: 1, table } : { family: 0, table: [] };
}

/**
 * OpusHead, the configuration of an Opus decoder. The pre-skip is 0, so that a packet's first sample
 * belongs to the packet's timestamp; what is to be skipped is the business of edit lists.
 */
export function opusHead(channels: number, mapping = opusMapping(channels), gain = 0): Uint8Array {
  return Uint8Array.from([
    ...new TextEncoder().encode("OpusHead"),
    ...[1, channels],
    ...[0, 0], // pre-skip
    ...[0x80, 0xbb, 0, 0], // 48,000 Hz
    ...[gain & 0xff, (gain >> 8) & 0xff],
    ...[mapping.family, ...mapping.table],
  ]);
}

/** What a `dOps` box or an OpusHead says; the gain is in 1/256 dB. */
export interface OpusConfig {
  readonly channels: number;
  readonly gain: number;
  readonly mapping: OpusMapping;
}

/** Reads the body of a `dOps` box: OpusHead in big-endian without its magic. Null if it is damaged. */
export function readOpusBox(box: Uint8Array): OpusConfig | null {
  return box.length < 11 ? null : configOf(box, ((box[8] ?? 0) << 8) | (box[9] ?? 0));
}

/** Reads an OpusHead. Null if it is damaged. */
export function readOpusHead(head: Uint8Array): OpusConfig | null {
  if (head.length < 19) return null;
  return configOf(head.subarray(8), ((head[17] ?? 0) << 8) | (head[16] ?? 0));
}

/** `body` starts with the version; offsets are the same in both forms. */
function configOf(body: Uint8Array, gain: number): OpusConfig | null {
  const channels = body[1] ?? 0;
  const family = body[10] ?? 0;
  const table = family === 0 ? [] : [...body.subarray(11, 13 + channels)];
  const whole = family === 0 ? channels <= 2 : table.length === 2 + channels;
  if (channels === 0 || !whole) return null;
  return { channels, gain: (gain << 16) >> 16, mapping: { family, table } };
}
