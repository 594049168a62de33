/** The capability `text-reversal`: reverses a text by code point, which keeps surrogate pairs whole. */
import { type Static, Type } from "@sinclair/typebox";
import type { Capability } from "./capability.ts";

const Input = Type.Object({ text: Type.String({ expects: "text" }) });

export const textReversal: Capability = {
  name: "text-reversal",
  aliases: ["reverse-text"],
  description: "reverses a text",
  onDevice: false,
  input: Input,
  output: Type.Object({ original: Type.String(), reversed: Type.String() }),
  run: (input) => {
    const { text } = input as Static<typeof Input>;
    return { original: text, reversed: [...text].reverse().join("") };
  },
};
