import { describe, expect, test } from "bun:test";
import {
  audioSpecificConfig,
  lowComplexity,
  readAudioSpecificConfig,
} from "../../../src/media/aac.ts";
import { adtsHeader, fitsAdts, readAdtsHeader } from "../../../src/media/adts.ts";

const read = (hex: string) => readAudioSpecificConfig(Uint8Array.from(Buffer.from(hex, "hex")));

describe("AudioSpecificConfig", () => {
  test("of low complexity", () => {
    expect(read("1190")).toMatchObject({
      objectType: 2,
      sampleRate: 48_000,
      channels: 2,
      frameSamples: 1024,
      sbr: false,
    });
  });

  test("of HE-AAC signalled explicitly: the core's rate", () => {
    // As fdk-aac writes it: SBR at 48 kHz over a core of 24 kHz.
    expect(read("2b118800")).toMatchObject({
      objectType: 2,
      sampleRate: 24_000,
      channels: 2,
      sbr: true,
    });
  });

  test("of HE-AAC v2: one coded channel comes out as two", () => {
    expect(read("eb098800")).toMatchObject({
      objectType: 2,
      sampleRate: 24_000,
      coreChannels: 1,
      channels: 2,
      sbr: true,
    });
  });

  test("of HE-AAC signalled behind the core's configuration", () => {
    expect(read("131056e598")).toMatchObject({
      objectType: 2,
      sampleRate: 24_000,
      channels: 2,
      sbr: true,
    });
    expect(read("130856e59d4880")).toMatchObject({ coreChannels: 1, channels: 2, sbr: true });
  });

  test("of frames of 960 samples", () => {
    expect(read("1194")).toMatchObject({ frameSamples: 960 });
  });

  test("of a rate in 24 bits", () => {
    const config = audioSpecificConfig(lowComplexity(50_000, 2));
    expect(config.length).toBe(5);
    expect(readAudioSpecificConfig(config)).toMatchObject({ sampleRate: 50_000, channels: 2 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("of %d channels is read back", (channels) => {
    const config = audioSpecificConfig(lowComplexity(88_200, channels));
    expect(readAudioSpecificConfig(config)).toMatchObject({ sampleRate: 88_200, channels });
  });

  test("of a cut or senseless one is null", () => {
    for (const hex of ["", "11", "16f0", "1140"]) expect(read(hex)).toBeNull();
  });
});

describe("ADTS", () => {
  test("a header is read back", () => {
    for (const [rate, channels] of [
      [96_000, 8],
      [88_200, 6],
      [7350, 1],
    ] as const) {
      const format = lowComplexity(rate, channels);
      const header = adtsHeader(format, 700);
      expect(readAdtsHeader(header, 0)).toMatchObject({
        ...format,
        frameBytes: 707,
        headerBytes: 7,
        blocks: 1,
      });
    }
  });

  test("odd rates and layouts do not fit", () => {
    expect(fitsAdts(lowComplexity(48_000, 8))).toBe(true);
    expect(fitsAdts(lowComplexity(50_000, 2))).toBe(false);
    expect(fitsAdts(lowComplexity(48_000, 7))).toBe(false);
    expect(fitsAdts({ objectType: 23, sampleRate: 48_000, channelConfiguration: 2 })).toBe(false);
  });
});
