/** Builds whole segments by hand: pictures and sound laid out as by a muxer. */
import {
  AAC,
  AUDIO_PID,
  accessUnit,
  concat,
  H264,
  pes,
  tables,
  tsPackets,
  VIDEO_PID,
} from "./ts-builder.ts";

/** An ADTS frame of 48 kHz stereo with a payload of `size` bytes. */
export function adts(size: number, fill = 0x21): Uint8Array {
  const length = size + 7;
  const frame = new Uint8Array(length).fill(fill);
  frame.set([
    0xff,
    0xf1,
    0x4c,
    0x80 | (length >> 11),
    (length >> 3) & 0xff,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ]);
  return frame;
}

/** Picture `index` at 30 a second, of `size` bytes. */
export const video = (index: number, size: number, key = false): Uint8Array[] =>
  tsPackets(pes(accessUnit(size, key), { pts: 3000 * index + 3000, dts: 3000 * index }), {
    pid: VIDEO_PID,
    ...(key ? { randomAccess: true, pcr: true } : {}),
  });

/** AAC frames in one PES at the time of sound `index`. */
export const audio = (index: number, frames: Uint8Array[]): Uint8Array[] =>
  tsPackets(pes(concat(frames), { pts: 1920 * index, sized: true, streamId: 0xc0 }), {
    pid: AUDIO_PID,
  });

/** A segment with pictures of all sizes around packet boundaries and sound between them. */
export function segment(from = 0): Uint8Array {
  const parts = [...tables([H264, AAC])];
  for (let index = 0; index < 30; index++) {
    parts.push(...video(from + index, 150 + index * 13, index === 0));
    parts.push(...audio(from + index, [adts(90 + index)]));
  }
  return concat(parts);
}
