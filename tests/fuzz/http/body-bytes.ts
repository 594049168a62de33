/** Fuzzes the bytes of JSON bodies: damaged, in other encodings and content types, in pieces, cut off, slow and padded. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { mutatedBytes } from "../mutated-bytes.ts";
import { exchange, headOf } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { operationsOf } from "./operations.ts";
import { expectJsonAnswer, isBare } from "./promises.ts";
import { API_TOKEN, RUNNER_KEY } from "./worker.ts";

const TEXTS = [
  '{"text":"ab"}',
  '{"prompts":[{"prompt":"a cat","weight":0.5}],"width":64,"height":64,"model":"identity"}',
  '{"params":{"fps":24,"paused":false,"a\\u0000b":"\\ud800"},"gateway_request_id":"x"}',
  '{"prompts":{"1":{"class_type":"EmptyImage","inputs":{"width":64,"height":64,"color":9007199254740993}}}}',
  `{"a":${"[".repeat(99)}1${"]".repeat(99)}}`,
  `[${"0,".repeat(19_000)}0]`,
  "null",
  "",
];
const CORPUS = [
  ...TEXTS.map((text) => Buffer.from(text)),
  ...TEXTS.slice(0, 2).flatMap((text) => [
    gzipSync(text),
    Buffer.from(text, "utf16le"),
    Buffer.from(`\ufeff${text}`),
    Buffer.from(`--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n${text}\r\n--x--\r\n`),
    Buffer.from(`text=ab&prompts[]=${text}`),
  ]),
];
const TYPES = [
  ...["application/json", "application/json", "application/json; charset=utf-16", "text/plain", ""],
  ...[
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
  ],
  ...["application/octet-stream", "application/json;;", "x".repeat(3000)],
];
/** How the body is sent: declared lengths may be too long, and the end may not come. */
const FORMS = ["length", "length", "chunks", "too long", "no end"] as const;

export const bodyBytes = httpTarget({
  name: "body-bytes",
  inputs:
    "damaged JSON texts to every JSON route, of any content type and encoding, in pieces and cut off",
  found: [],
  open: async ({ url, port, endStarted }) => {
    const paths = (await operationsOf(url))
      .filter(({ body }) => body !== null)
      .map(({ path }) =>
        path.replace("{capability}", "text-reversal").replace("{key}", RUNNER_KEY),
      );
    const inputs = fc.record({
      path: fc.constantFrom(...paths),
      body: mutatedBytes(CORPUS),
      type: fc.constantFrom(...TYPES),
      coding: fc.constantFrom(null, null, "gzip", "identity", "br"),
      form: fc.constantFrom(...FORMS),
      cuts: fc.array(fc.nat(0xffff), { maxLength: 3 }),
      pauseMs: fc.constantFrom(0, 0, 0, 3),
    });
    return tried(inputs, async ({ path, body, type, coding, form, cuts, pauseMs }) => {
      const pieces = cutUp(Buffer.from(body), cuts);
      const declared = form === "too long" ? body.length + 10 : body.length;
      const isChunked = form === "chunks" || form === "no end";
      const head = headOf({
        method: "POST",
        target: path,
        headers: [
          ["Host", "x"],
          ["Authorization", `Bearer ${API_TOKEN}`],
          ["Content-Type", type],
          isChunked ? ["Transfer-Encoding", "chunked"] : ["Content-Length", `${declared}`],
          ...(coding === null ? [] : ([["Content-Encoding", coding]] as const)),
        ],
      });
      const framed = isChunked
        ? [...pieces.flatMap(chunk), ...(form === "chunks" ? [LAST] : [])]
        : pieces;
      const ends = form === "length" || form === "chunks";
      const { answers } = await exchange({
        port,
        pieces: [head, ...framed],
        pauseMs,
        // What never comes to its end has no answer, or one that did not wait for it.
        ...(!ends && { patienceMs: 20 }),
      });
      const [answer] = answers;
      if (answer === undefined && ends) throw new Error("no answer");
      if (answer === undefined || isBare(answer)) return;
      expectJsonAnswer(answer);
      await endStarted(answer);
    });
  },
});

const LAST = Buffer.from("0\r\n\r\n");

const chunk = (bytes: Buffer): Buffer[] =>
  bytes.length === 0
    ? []
    : [
        Buffer.concat([
          Buffer.from(`${bytes.length.toString(16)}\r\n`),
          bytes,
          Buffer.from("\r\n"),
        ]),
      ];

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = cuts
    .map((cut) => Math.floor((cut / 0x10000) * bytes.length))
    .toSorted((a, b) => a - b);
  return [0, ...at].map((start, n) => bytes.subarray(start, at[n] ?? bytes.length));
}
