/** The capability `my-custom-capability`: counts the words of a text. docs/development.md shows this file. */
import { type Static, Type } from "@sinclair/typebox";
import type { Capability } from "../../src/capabilities/capability.ts";

const Input = Type.Object({ text: Type.String({ maxLength: 100_000, expects: "text" }) });

export const myCustomCapability: Capability = {
  name: "my-custom-capability",
  aliases: [],
  description: "counts the words of a text",
  onDevice: false,
  input: Input,
  output: Type.Object({ words: Type.Integer() }),
  run: (input) => {
    const { text } = input as Static<typeof Input>;
    return { words: text.split(/\s+/).filter((word) => word !== "").length };
  },
};
