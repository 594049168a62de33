import { describe, expect, test } from "bun:test";
import { FrameReader } from "../../../../../src/engine/source/ts/audio-frames.ts";
import {
  ac3Syntax,
  adtsSyntax,
  loasSyntax,
  mpegAudioSyntax,
} from "../../../../../src/engine/source/ts/audio-syntax.ts";
import { readAudioSpecificConfig } from "../../../../../src/media/aac.ts";
import { BitWriter } from "../../../../../src/media/bit-writer.ts";
import { concat } from "../../../../support/ts-builder.ts";

interface AdtsOptions {
  readonly crc?: boolean;
  readonly rateIndex?: number;
  readonly channels?: number;
  readonly profile?: number;
  readonly data?: Uint8Array;
}

function adts(size: number, options: AdtsOptions = {}): Uint8Array {
  const { crc = false, rateIndex = 3, channels = 2, profile = 1 } = options;
  const { data = new Uint8Array(size).fill(size & 0x7f) } = options;
  const length = data.length + (crc ? 9 : 7);
  const bytes = new Uint8Array(length);
  bytes.set([
    0xff,
    crc ? 0xf0 : 0xf1,
    (profile << 6) | (rateIndex << 2) | (channels >> 2),
    ((channels & 3) << 6) | (length >> 11),
    (length >> 3) & 0xff,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ]);
  bytes.set(data, length - data.length);
  return bytes;
}

/** 48 kHz stereo, 192 kbit/s: 576 bytes of layer II. */
const mp2 = (fill = 0x11): Uint8Array => headed([0xff, 0xfd, 0xa4, 0x04], 576, fill);
/** 44.1 kHz joint stereo, 128 kbit/s: 417 bytes of layer III. */
const mp3 = (): Uint8Array => headed([0xff, 0xfb, 0x90, 0x44], 417, 0x22);
/** 48 kHz 5.1, 384 kbit/s. */
const ac3 = (): Uint8Array => headed([0x0b, 0x77, 0, 0, 0x1c, 0x40, 0xe1, 0x40], 1536, 0x33);
/** 48 kHz stereo E-AC-3 of six blocks; `type` 1 is dependent. */
function eac3(size: number, type = 0): Uint8Array {
  const words = size / 2 - 1;
  const head = new BitWriter().write(0x0b77, 16).write(type, 2).write(0, 3).write(words, 11);
  head.write(0, 2).write(3, 2).write(2, 3).write(0, 1).write(16, 5);
  return headed([...head.finish()], size, 0x44);
}
/** A LOAS frame with a StreamMuxConfig of AAC low complexity at 24 kHz mono, or one that repeats it. */
function loas(size: number, configured: boolean): Uint8Array {
  const element = new BitWriter().write(configured ? 0 : 1, 1);
  if (configured) {
    element.write(0, 1).write(1, 1).write(0, 6).write(0, 4).write(0, 3);
    element.write(2, 5).write(6, 4).write(1, 4).write(0, 3); // AudioSpecificConfig
  }
  const body = headed([...element.finish()], size - 3, 0x55);
  const header = new BitWriter().write(0x2b7, 11).write(body.length, 13).finish();
  return concat([header, body]);
}

function headed(head: readonly number[], size: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(fill);
  bytes.set(head);
  return bytes;
}

const sizes = (bytes: Uint8Array): number[] =>
  new FrameReader(adtsSyntax()).read(bytes).map(({ data }) => data.length);

describe("AAC in ADTS", () => {
  test("frames come without their headers, with and without checksum", () => {
    const reader = new FrameReader(adtsSyntax());
    const frames = reader.read(concat([adts(100), adts(200, { crc: true }), adts(300)]));
    expect(frames.map(({ data }) => data.length)).toEqual([100, 200, 300]);
    expect(frames[1]?.data).toEqual(new Uint8Array(200).fill(200 & 0x7f));
  });

  test.each([
    [0, 2, 96_000, 2],
    [1, 7, 88_200, 8],
    [4, 1, 44_100, 1],
    [11, 6, 8000, 6],
  ])("rate index %d with channel configuration %d", (rateIndex, channels, sampleRate, count) => {
    const [frame] = new FrameReader(adtsSyntax()).read(adts(9, { rateIndex, channels }));
    expect(frame).toMatchObject({ codec: "aac", sampleRate, channels: count, samples: 1024 });
    expect(frame?.config).toBeUndefined();
  });

  test("a rate that does not exist makes no frame", () => {
    expect(sizes(adts(9, { rateIndex: 13 }))).toEqual([]);
  });

  test("a profile other than low complexity is in the configuration", () => {
    const [frame] = new FrameReader(adtsSyntax()).read(adts(9, { profile: 0 }));
    expect(readAudioSpecificConfig(frame?.config ?? new Uint8Array())).toMatchObject({
      objectType: 1,
      sampleRate: 48_000,
      channels: 2,
    });
  });

  test("channels listed by a program config element are found, and remembered for the frames after it", () => {
    const element = new BitWriter().write(5, 3).write(0, 4).write(1, 2).write(3, 4);
    element.write(2, 4).write(0, 4).write(1, 4).write(1, 2).write(0, 3).write(0, 4).write(0, 3);
    element.write(0, 1).write(0, 4).write(1, 1).write(1, 4); // front: one channel, one pair
    element.write(1, 1).write(2, 4).write(0, 4); // back: a pair; the LFE
    const data = concat([element.align().write(0, 8).finish(), new Uint8Array(20)]);
    const reader = new FrameReader(adtsSyntax());
    expect(reader.read(adts(30, { channels: 0 }))).toEqual([]);
    const frames = reader.read(concat([adts(0, { channels: 0, data }), adts(30, { channels: 0 })]));
    expect(frames.map(({ channels }) => channels)).toEqual([6, 6]);
    const config = readAudioSpecificConfig(frames[0]?.config ?? new Uint8Array());
    expect(config).toMatchObject({ channelConfiguration: 0, coreChannels: 6, sampleRate: 48_000 });
  });

  test("garbage before and between frames is skipped", () => {
    const garbage = Uint8Array.from([0xff, 0xe1, 0xff, 0xf3, 1, 2, 0xff]);
    expect(sizes(concat([garbage, adts(50), garbage, adts(60)]))).toEqual([50, 60]);
  });

  test("an incomplete last frame is left out at every length", () => {
    const bytes = concat([adts(30), adts(40)]);
    for (let cut = 37; cut < bytes.length; cut++)
      expect(sizes(bytes.subarray(0, cut))).toEqual([30]);
  });
});

describe("a frame over several payloads", () => {
  test("is found wherever it is cut, and marked as begun before", () => {
    const bytes = concat([adts(30), adts(40), adts(50)]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new FrameReader(adtsSyntax());
      const before = reader.read(bytes.subarray(0, cut));
      const after = reader.read(bytes.subarray(cut));
      expect([...before, ...after].map(({ data }) => data.length)).toEqual([30, 40, 50]);
      const atBorder = cut === 37 || cut === 37 + 47;
      expect(after.map(({ carried }) => carried)).toEqual(
        after.map((_, i) => i === 0 && !atBorder),
      );
    }
  });

  test("goes on although its middle looks like the start of another", () => {
    const data = new Uint8Array(300);
    data.set(adts(60), 93);
    const bytes = concat([adts(0, { data }), adts(70)]);
    const reader = new FrameReader(adtsSyntax());
    const frames = [...reader.read(bytes.subarray(0, 100)), ...reader.read(bytes.subarray(100))];
    expect(frames.map((frame) => frame.data.length)).toEqual([300, 70]);
  });

  test("whose end was lost takes nothing of the next one", () => {
    const reader = new FrameReader(adtsSyntax());
    reader.read(adts(300).subarray(0, 100));
    expect(reader.read(adts(60)).map(({ data }) => data)).toEqual([adts(60).subarray(7)]);
    reader.read(adts(300).subarray(0, 100));
    reader.drop();
    expect(reader.read(adts(300).subarray(100))).toEqual([]);
  });
});

describe("frames keep their headers", () => {
  test("of MPEG audio, the layer told by each frame", () => {
    const frames = new FrameReader(mpegAudioSyntax()).read(concat([mp2(), mp3(), mp2()]));
    expect(frames.map(({ codec, data, samples }) => [codec, data.length, samples])).toEqual([
      ["mp2", 576, 1152],
      ["mp3", 417, 1152],
      ["mp2", 576, 1152],
    ]);
    expect(frames[1]).toMatchObject({ sampleRate: 44_100, channels: 2, data: mp3() });
  });

  test("of MPEG audio at half and quarter rates", () => {
    const half = headed([0xff, 0xf3, 0x84, 0xc4], 192, 0); // MPEG-2 layer III, 24 kHz mono, 64 kbit/s
    const quarter = headed([0xff, 0xe3, 0x44, 0xc4], 192, 0); // MPEG-2.5 layer III, 12 kHz, 32 kbit/s
    const frames = new FrameReader(mpegAudioSyntax()).read(concat([half, quarter]));
    expect(
      frames.map(({ sampleRate, samples, channels }) => [sampleRate, samples, channels]),
    ).toEqual([
      [24_000, 576, 1],
      [12_000, 576, 1],
    ]);
  });

  test("of AC-3 with its low-frequency channel", () => {
    const [frame] = new FrameReader(ac3Syntax()).read(ac3());
    expect(frame).toMatchObject({ codec: "ac3", samples: 1536, sampleRate: 48_000, channels: 6 });
    expect(frame?.data.length).toBe(1536);
  });

  test("of E-AC-3, dependent frames together with the one that they extend", () => {
    const stream = concat([eac3(400), eac3(200, 1), eac3(400), eac3(200, 1)]);
    const frames = new FrameReader(ac3Syntax()).read(stream);
    expect(frames.map(({ codec, data }) => [codec, data.length])).toEqual([
      ["eac3", 600],
      ["eac3", 600],
    ]);
    expect(new FrameReader(ac3Syntax()).read(eac3(200, 1))).toEqual([]);
  });

  test("of LATM, from the first configuration on", () => {
    const frames = new FrameReader(loasSyntax()).read(
      concat([loas(80, false), loas(90, true), loas(100, false)]),
    );
    expect(frames.map(({ codec, data }) => [codec, data.length])).toEqual([
      ["aac_latm", 90],
      ["aac_latm", 100],
    ]);
    expect(frames[1]).toMatchObject({ sampleRate: 24_000, channels: 1, samples: 1024 });
  });
});

test("random bytes never throw and never hold more than a frame back", () => {
  let state = 7;
  const random = (): number => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
  for (const syntax of [adtsSyntax, loasSyntax, mpegAudioSyntax, ac3Syntax]) {
    const reader = new FrameReader(syntax());
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from({ length: 400 }, () => Math.floor(random() * 256));
      if (round % 3 === 0) bytes.set([syntax().sync, syntax().sync === 0x0b ? 0x77 : 0xf1]);
      for (const { data } of reader.read(bytes)) expect(data.length).toBeLessThan(20_000);
    }
  }
});
