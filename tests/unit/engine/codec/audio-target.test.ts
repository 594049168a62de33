import { describe, expect, test } from "bun:test";
import { AudioTarget } from "../../../../src/engine/codec/audio-target.ts";
import { transcodingOf } from "../../../../src/engine/output-audio.ts";
import type { AudioCodec, AudioFormat } from "../../../../src/media/encoded-packet.ts";

const format = (codec: AudioCodec, sampleRate = 48_000, channels = 2) => ({
  codec,
  sampleRate,
  channels,
});
const MP3: AudioFormat = { codec: "mp3", sampleRate: 44_100, channels: 2 };

describe("the format of an fMP4 output's audio", () => {
  test("is open until it is settled, and stays then", () => {
    const target = new AudioTarget(transcodingOf("auto", "fmp4"));
    expect([target.copies(format("aac", 44_100)), target.copies(format("opus"))]).toEqual([
      true,
      true,
    ]);
    expect(target.copies(MP3)).toBe(false);
    expect(target.encoding(1)).toEqual({ codec: "opus", channels: 1 });
    expect(target.settle(format("opus"))).toEqual(format("opus"));
    expect(target.settle(format("aac"))).toEqual(format("opus"));
    expect(target.copies(format("opus"))).toBe(true);
    for (const other of [format("aac"), format("opus", 48_000, 1), MP3]) {
      expect(target.copies(other)).toBe(false);
    }
    expect(target.encoding(1)).toEqual({ codec: "opus", channels: 2 });
  });

  test.each([
    [format("aac"), { codec: "aac", channels: 2 }],
    [format("aac", 48_000, 1), { codec: "aac", channels: 1 }],
    [format("aac", 44_100), null],
    [format("aac", 48_000, 6), null],
    [null, null],
  ])("settled on %j, makes %j of other audio", (settled, encoding) => {
    const target = new AudioTarget(transcodingOf("auto", "fmp4"));
    target.settle(settled);
    expect(target.copies(format("opus"))).toBe(false);
    expect(target.encoding(2)).toEqual(encoding as ReturnType<typeof target.encoding>);
  });
});

test("an MPEG-TS output may change its rate and channels, but not its codec", () => {
  const target = new AudioTarget(transcodingOf("copy", "mpegts"));
  target.settle(format("aac", 44_100));
  expect(target.copies(format("aac", 48_000, 1))).toBe(true);
  expect(target.copies(format("opus"))).toBe(false);
  expect(target.encoding(2)).toEqual({ codec: "aac", channels: 2 });
});
