import { expect, test } from "bun:test";
import { transcodingOf } from "../../../src/engine/output-audio.ts";
import { audioSpecificConfig, lowComplexity } from "../../../src/media/aac.ts";
import type { AudioFormat, InputAudioCodec } from "../../../src/media/encoded-packet.ts";
import { DUAL_MONO, opusHead } from "../../../src/media/opus.ts";

const format = (codec: InputAudioCodec, channels = 2, config?: Uint8Array): AudioFormat => ({
  codec,
  sampleRate: 48_000,
  channels,
  ...(config && { config }),
});
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

const FORMATS = {
  aac: format("aac"),
  "aac 7.1": format("aac", 8),
  "aac with SBR": format("aac", 2, hex("2b118800")),
  "aac main": format("aac", 2, audioSpecificConfig({ ...lowComplexity(48_000, 2), objectType: 1 })),
  "aac of 960": format("aac", 2, hex("1194")),
  "aac at 50 kHz": format("aac", 2, audioSpecificConfig(lowComplexity(50_000, 2))),
  opus: format("opus"),
  "opus 5.1": format("opus", 6),
  "opus dual mono": format("opus", 2, opusHead(2, DUAL_MONO)),
} as const;

test.each([
  ["auto", "fmp4", "opus", ["aac", "aac 7.1", "aac with SBR", "aac at 50 kHz", "opus", "opus 5.1"]],
  ["auto", "mpegts", "opus", ["opus"]],
  ["copy", "fmp4", "opus", Object.keys(FORMATS)],
  ["copy", "mpegts", "opus", ["aac", "aac 7.1", "aac with SBR", "aac main", "opus", "opus 5.1"]],
  ["aac", "fmp4", "aac", ["aac", "aac 7.1", "aac with SBR", "aac at 50 kHz"]],
  ["aac", "mpegts", "aac", ["aac", "aac 7.1", "aac with SBR", "aac main"]],
  ["opus", "fmp4", "opus", ["opus", "opus 5.1"]],
  ["opus", "mpegts", "opus", ["opus"]],
] as const)(
  "audio %s in %s becomes %s, but these are copied: %j",
  (mode, container, codec, copied) => {
    const transcoding = transcodingOf(mode, container);
    expect(transcoding.codec).toBe(codec);
    const names = Object.entries(FORMATS).flatMap(([name, each]) =>
      transcoding.copies(each) ? [name] : [],
    );
    expect(names).toEqual([...copied]);
  },
);
