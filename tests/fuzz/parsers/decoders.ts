/** Fuzzes FFmpeg's decoders as the engine uses them: damage costs pictures and never the process. */
import { join } from "node:path";
import fc from "fast-check";
import { defineTarget } from "../fuzz.ts";
import { mutatedBytes } from "../mutated-bytes.ts";
import { FuzzChild } from "./child.ts";
import type { DecodeCase } from "./decode-child.ts";
import { ENCODERS, pictures, sound } from "./media-corpus.ts";

export const DECODE_CHILD = join(import.meta.dir, "decode-child.ts");

export const decoders = defineTarget<DecodeCase>({
  name: "decoders",
  inputs: "damaged packets of every video and audio codec, in a process of their own",
  found: [],
  open: async () => {
    const child = new FuzzChild(DECODE_CHILD);
    return {
      inputs: fc.oneof(...ENCODERS.map(videoOf), audioOf("aac"), audioOf("opus")),
      check: (input) => child.run(input),
      pid: await child.start(),
      close: async () => await child[Symbol.asyncDispose](),
    };
  },
});

function videoOf(encoder: (typeof ENCODERS)[number]): fc.Arbitrary<DecodeCase> {
  const packets = pictures(encoder);
  const [first] = packets;
  if (first === undefined) throw new Error(`${encoder} made no packet`);
  const { codec } = first;
  return fc
    .tuple(...packets.map(({ data }) => mutatedBytes([data], { maxEdits: 3 })))
    .map((damaged) => ({ kind: "video", codec, packets: damaged }));
}

function audioOf(codec: "aac" | "opus"): fc.Arbitrary<DecodeCase> {
  const { packets, sampleRate, channels, extradata } = sound(codec);
  const format = { codec, sampleRate, channels };
  const damaged = packets
    .slice(0, 4)
    .map(({ data }) => mutatedBytes([data], { maxEdits: 2, maxBytes: 8192 }));
  const config = fc.option(mutatedBytes([extradata], { maxEdits: 2, maxBytes: 512 }), {
    nil: null,
  });
  return fc.tuple(config, fc.tuple(...damaged)).map(([own, frames]) => ({
    kind: "audio",
    format: own === null ? format : { ...format, config: own },
    packets: frames,
  }));
}
