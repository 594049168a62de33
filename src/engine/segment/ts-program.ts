/** Writes the program tables of our transport streams: one program, constant PIDs (ISO/IEC 13818-1 §2.4.4). */
import { crc32 } from "../../media/mpeg-ts.ts";
import type { TsOutputAudio } from "../protocol/work.ts";

export const PAT_PID = 0;
export const PMT_PID = 0x1000;
export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;

const PROGRAM = 1;
const STREAM_TYPE = { h264: 0x1b, aac: 0x0f, opus: 0x06 } as const;

/** The program association section. */
export const patSection = (): Uint8Array =>
  section(0, [PROGRAM >> 8, PROGRAM & 0xff, 0xe0 | (PMT_PID >> 8), PMT_PID & 0xff]);

/** The program map section. It must not change during a stream: readers bind tracks once (protocol.md 6.2). */
export function pmtSection(audio: TsOutputAudio | null): Uint8Array {
  const entries = [...entry(STREAM_TYPE.h264, VIDEO_PID, [])];
  if (audio) entries.push(...entry(STREAM_TYPE[audio.codec], AUDIO_PID, descriptorsOf(audio)));
  return section(2, [0xe0 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0xf0, 0, ...entries]);
}

function entry(type: number, pid: number, descriptors: readonly number[]): number[] {
  return [type, 0xe0 | (pid >> 8), pid & 0xff, 0xf0, descriptors.length, ...descriptors];
}

/** Opus is private data with a registration and its channel count (ETSI TS 103 491); readers give up at count 0. */
const descriptorsOf = ({ codec, channels }: TsOutputAudio): number[] =>
  codec === "aac"
    ? []
    : [0x05, 4, ...new TextEncoder().encode("Opus"), 0x7f, 2, 0x80, Math.max(1, channels)];

/** Version 0, current, the only section of its table. */
function section(table: number, body: readonly number[]): Uint8Array {
  const length = 5 + body.length + 4;
  const head = [table, 0xb0 | (length >> 8), length & 0xff, 0, 1, 0xc1, 0, 0];
  const bytes = Uint8Array.from([...head, ...body, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)));
  return bytes;
}
