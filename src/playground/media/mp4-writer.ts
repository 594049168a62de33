/** Writes a camera's H.264 and a microphone's Opus as fragmented MP4 (ISO/IEC 14496-12 and 14496-15, Opus in ISOBMFF). */
import { join } from "./mp4-pieces.ts";

/** One encoded picture (length-prefixed NAL units) or Opus packet; times in microseconds, as in WebCodecs. */
export interface Mp4Sample {
  readonly data: Uint8Array;
  readonly time: number;
  readonly duration: number;
  readonly keyFrame: boolean;
}

export type Mp4Format =
  | {
      readonly kind: "video";
      readonly width: number;
      readonly height: number;
      /** The decoder configuration record. */
      readonly avcC: Uint8Array;
    }
  | {
      readonly kind: "audio";
      readonly channels: number;
      /** Samples to discard at the start, at 48 kHz. */
      readonly preSkip: number;
    };

/** Ticks a second: those of WebCodecs, so that no time is rounded. */
const TIMESCALE = 1_000_000;
/** Opus always decodes to this rate. */
const OPUS_RATE = 48_000;
/** Sample flags (§8.8.3.1): a key frame depends on no other frame; the others do and are not sync samples. */
const SYNC = 0x02000000;
const NON_SYNC = 0x01010000;
const NO_TRANSFORM = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
const MOVE_WITH_MOOF = 0x020000;
/** Offset of the data, then duration, size and flags of every sample. */
const RUN_FIELDS = 0x000701;

/** `ftyp` and `moov`. Tracks are numbered from 1 in the order given. */
export function initSegment(formats: readonly Mp4Format[]): Uint8Array<ArrayBuffer> {
  const mvhd = full("mvhd", 0, [
    u32(0, 0, TIMESCALE, 0, 0x10000), // times, timescale, duration, rate
    u32(0x01000000, 0, 0, ...NO_TRANSFORM, 0, 0, 0, 0, 0, 0, formats.length + 1), // volume … next track
  ]);
  const defaults = formats.map((_, index) => full("trex", 0, [u32(index + 1, 1, 0, 0, 0)]));
  return join([
    box("ftyp", [ascii("iso5"), u32(0), ascii("iso5iso6avc1mp41")]),
    box("moov", [
      mvhd,
      ...formats.map((format, index) => track(index + 1, format)),
      box("mvex", defaults),
    ]),
  ]);
}

function track(id: number, format: Mp4Format): Uint8Array {
  const picture = format.kind === "video";
  const { width, height } = picture ? format : { width: 0, height: 0 };
  const tkhd = [u32(0, 0, id, 0, 0, 0, 0), u16(0, 0, picture ? 0 : 0x100, 0)]; // times … volume
  return box("trak", [
    full("tkhd", 3, [...tkhd, u32(...NO_TRANSFORM, width << 16, height << 16)]),
    box("mdia", [
      full("mdhd", 0, [u32(0, 0, TIMESCALE, 0), u16(0x55c4, 0)]), // language: und
      full("hdlr", 0, [u32(0), ascii(picture ? "vide" : "soun"), u32(0, 0, 0), new Uint8Array(1)]),
      box("minf", [
        picture ? full("vmhd", 1, [u32(0, 0)]) : full("smhd", 0, [u32(0)]),
        box("dinf", [full("dref", 0, [u32(1), full("url ", 1, [])])]),
        box("stbl", [
          full("stsd", 0, [u32(1), picture ? visualEntry(format) : opusEntry(format)]),
          full("stts", 0, [u32(0)]),
          full("stsc", 0, [u32(0)]),
          full("stsz", 0, [u32(0, 0)]),
          full("stco", 0, [u32(0)]),
        ]),
      ]),
    ]),
  ]);
}

/** A `moof` and its `mdat` for one track. `sequence` counts fragments; the samples follow one another. */
export function fragment(
  sequence: number,
  trackId: number,
  samples: readonly Mp4Sample[],
): Uint8Array<ArrayBuffer> {
  const moof = (dataOffset: number): Uint8Array =>
    box("moof", [
      full("mfhd", 0, [u32(sequence)]),
      box("traf", [
        full("tfhd", MOVE_WITH_MOOF, [u32(trackId)]),
        full("tfdt", 0, [u64(samples[0]?.time ?? 0)], 1),
        full("trun", RUN_FIELDS, [
          u32(samples.length, dataOffset),
          ...samples.map(({ data, duration, keyFrame }) =>
            u32(duration, data.length, keyFrame ? SYNC : NON_SYNC),
          ),
        ]),
      ]),
    ]);
  const headerBytes = 8;
  const media = box(
    "mdat",
    samples.map(({ data }) => data),
  );
  return join([moof(moof(0).length + headerBytes), media]);
}

/** A picture's sample entry (§12.1.3) with the decoder configuration in it. */
const visualEntry = ({ width, height, avcC }: Extract<Mp4Format, { kind: "video" }>): Uint8Array =>
  box("avc1", [
    u32(0, 1), // reserved, data reference
    u32(0, 0, 0, 0),
    u16(width, height),
    u32(0x480000, 0x480000, 0), // 72 dpi
    u16(1), // frames in a sample
    new Uint8Array(32), // compressor's name
    u16(24, 0xffff), // depth, no colour table
    box("avcC", [avcC]),
  ]);

/** An Opus sample entry (§12.2.3; Opus in ISOBMFF 4.3.2). */
const opusEntry = ({ channels, preSkip }: Extract<Mp4Format, { kind: "audio" }>): Uint8Array =>
  box("Opus", [
    u32(0, 1, 0, 0), // reserved, data reference
    u16(channels, 16, 0, 0), // 16 bits a sample
    u32(OPUS_RATE * 0x10000),
    box("dOps", [
      Uint8Array.of(0, channels), // version
      u16(preSkip),
      u32(OPUS_RATE),
      u16(0), // gain
      new Uint8Array(1), // mono or stereo
    ]),
  ]);

function box(type: string, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  return join([u32(size), ascii(type), ...parts]);
}

const full = (type: string, flags: number, parts: readonly Uint8Array[], version = 0) =>
  box(type, [u32((version << 24) | flags), ...parts]);

function u32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value);
  return new Uint8Array(view.buffer);
}

const u64 = (value: number): Uint8Array => u32(Math.floor(value / 2 ** 32), value % 2 ** 32);
const u16 = (...values: readonly number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));
const ascii = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));
