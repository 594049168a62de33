/** Fuzzes the `Livepeer` header with base64 of JSON, or of anything else. */
import fc from "fast-check";
import { mutatedBytes } from "../mutated-bytes.ts";
import { exchange, headOf } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { hostileValue, hostileVariant } from "./json-values.ts";
import { expectJsonAnswer, isBare } from "./promises.ts";
import { API_TOKEN } from "./worker.ts";

const JOBS = [
  {
    request: '{"run":"text-reversal"}',
    parameters: "{}",
    capability: "text-reversal",
    timeout_seconds: 30,
  },
  { capability: "text-reversal", timeout_seconds: 4_294_967_295, sender: "0x0", price: { n: 1 } },
];
const TEXTS = [
  ...JOBS.map((job) => JSON.stringify(job)),
  '{"a":1,"a":2,"__proto__":{"timeout_seconds":1},"constructor":null}',
  `{"request":${"[".repeat(90)}${"]".repeat(90)}}`,
  '{"timeout_seconds":1e400,"capability":"\\ud800\\u0000"}',
];

const json = fc
  .oneof(hostileVariant(fc.constantFrom(...JOBS)), hostileValue)
  .map((value) => Buffer.from(JSON.stringify(value) ?? ""));
const bytes = fc.oneof(json, mutatedBytes(TEXTS.map((text) => Buffer.from(text))));
const ALPHABETS = ["base64", "base64url", "hex", "latin1"] as const;
const encoded = fc
  .tuple(bytes, fc.constantFrom(...ALPHABETS))
  .map(([raw, form]) => Buffer.from(raw).toString(form));
// A line break would end the header: framing.ts tries those.
const values: fc.Arbitrary<string> = fc
  .oneof(
    encoded,
    encoded,
    fc.string({ unit: "binary-ascii", maxLength: 60 }),
    fc.constantFrom("", "=", "====", "e30=", "e30", "bnVsbA==", "W10=", " e30= ", "e30=, e30="),
  )
  .map((value) => value.replaceAll(/[\r\n\0]/g, " "));

export const livepeerHeader = httpTarget({
  name: "livepeer-header",
  inputs: "Livepeer headers: base64 of damaged and hostile JSON, and no base64 at all",
  found: [],
  open: ({ port }) =>
    tried(values, async (value) => {
      const body = '{"text":"ab"}';
      const head = headOf({
        method: "POST",
        target: "/process/request/text-reversal",
        headers: [
          ["Host", "127.0.0.1"],
          ["Authorization", `Bearer ${API_TOKEN}`],
          ["Content-Length", `${body.length}`],
          ["Livepeer", value],
        ],
      });
      const { answers, closed } = await exchange({
        port,
        pieces: [Buffer.from(head + body, "latin1")],
      });
      const [answer] = answers;
      if (answer === undefined) throw new Error(`no answer; closed: ${closed}`);
      // Bun itself refuses characters that no header may hold.
      if (isBare(answer) && /\p{Cc}/u.test(value)) return;
      expectJsonAnswer(answer);
      const { reversed, details } = JSON.parse(answer.body);
      if (answer.status === 200 ? reversed !== "ba" : !/^Livepeer/.test(details?.[0]?.field))
        throw new Error(`neither done nor refused for the header: ${answer.body.slice(0, 500)}`);
    }),
});
