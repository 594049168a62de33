/** Fuzzes the reader of all JSON that callers send: it accepts what JSON.parse accepts, and says where a text is not JSON. */
import fc from "fast-check";
import { parseBounded } from "../../../src/json-fault.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedTexts } from "../mutated-bytes.ts";

const CORPUS = [
  '{"prompts":"a cat","width":512,"height":512,"params":{"strength":0.5,"seed":18446744073709551615}}',
  '{"1":{"class_type":"KSampler","inputs":{"model":["4",0],"cfg":8.0,"text":"\\u00e9\\"\\\\ \\ud83d\\ude00"}}}',
  "[null,true,false,-0,1e999,-1.5E-7,[[[[]]]],{}]",
  '{"__proto__":{"a":1},"a":1,"a":2}',
];
const EXCESS = /^it (nests deeper than \d+ levels|holds more than \d+ values)$/;
const PLACED = /^line \d+, column \d+: \S/;

export const jsonTexts = defineTarget({
  name: "json-texts",
  inputs: "JSON texts, damaged and generated, up to far too deep",
  found: [],
  open: () => ({
    inputs: fc.oneof(
      mutatedTexts(CORPUS),
      fc.json({ maxDepth: 8 }),
      fc.tuple(fc.constantFrom("[", '{"a":', "[[],"), fc.nat(400)).map(([s, n]) => s.repeat(n)),
    ),
    check: (text) => {
      const [expected, got] = [outcome(() => JSON.parse(text)), outcome(() => parseBounded(text))];
      if ("error" in got) {
        const { message } = got.error;
        if (!(got.error instanceof SyntaxError))
          throw new Error("not a SyntaxError", { cause: got });
        if (!EXCESS.test(message) && !("error" in expected && PLACED.test(message)))
          throw new Error(`not a place in the text: ${message}`);
      } else if (!Bun.deepEquals(got, expected, true)) throw new Error("another value");
    },
  }),
});

type Outcome = { readonly value: unknown } | { readonly error: Error };

function outcome(work: () => unknown): Outcome {
  try {
    return { value: work() };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}
