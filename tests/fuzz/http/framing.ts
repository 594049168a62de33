/** Fuzzes the bytes of HTTP/1.1: contradictory heads and bodies, damaged and cut requests, and several at once. */
import fc from "fast-check";
import { mutatedBytes } from "../mutated-bytes.ts";
import { exchange } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { expectJsonAnswer, expectTrickleAnswer, isBare } from "./promises.ts";
import { API_TOKEN } from "./worker.ts";

const HOST = `Host: x\r\nAuthorization: Bearer ${API_TOKEN}\r\n`;
const POST = `POST /text-reversal HTTP/1.1\r\n${HOST}`;
const NEXT = `GET /version HTTP/1.1\r\n${HOST}\r\n`;
const REQUESTS = [
  NEXT,
  NEXT + NEXT + NEXT,
  `${POST}Content-Length: 13\r\n\r\n{"text":"ab"}${NEXT}`,
  `${POST}Transfer-Encoding: chunked\r\n\r\n6\r\n{"text\r\n7;a=b\r\n":"ab"}\r\n0\r\nX-T: 1\r\n\r\n${NEXT}`,
  `${POST}Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{"text":"ab"}\r\n0\r\n\r\n${NEXT}`,
  `POST /trickle/fuzz-framing/0 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  `GET /health HTTP/1.0\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
].map((text) => Buffer.from(text, "latin1"));

const LENGTHS = [
  "13",
  "0",
  "5",
  "14",
  "-1",
  "+13",
  "0x0d",
  "013",
  "13, 13",
  "13,14",
  "13 ",
  "1e1",
  "",
  "9".repeat(30),
];
const CODINGS = [
  "chunked",
  "Chunked",
  "identity",
  "gzip, chunked",
  "chunked, chunked",
  "xchunked",
  "chunked\x0b",
  "",
];
const CHUNKS = [
  ...['d\r\n{"text":"ab"}\r\n0\r\n\r\n', '{"text":"ab"}', '00000d\r\n{"text":"ab"}\r\n0\r\n\r\n'],
  ...[
    'd;ext="\r\n"\r\n{"text":"ab"}\r\n0\r\n\r\n',
    'd\n{"text":"ab"}\n0\n\n',
    "-1\r\nx\r\n0\r\n\r\n",
  ],
  ...[
    "ffffffffffffffff\r\nx",
    "ffffffff\r\nx",
    "0x1\r\nx\r\n0\r\n\r\n",
    `${"0".repeat(5000)}1\r\nx\r\n0\r\n\r\n`,
  ],
  ...[
    `d;${"e".repeat(20_000)}\r\n{"text":"ab"}\r\n0\r\n\r\n`,
    'd\r\n{"text":"ab"}xx0\r\n\r\n',
    "\r\n",
  ],
];

/** Heads whose length and coding may contradict each other and the body. */
const lies = fc
  .record({
    lengths: fc.array(fc.constantFrom(...LENGTHS), { maxLength: 2 }),
    codings: fc.array(fc.constantFrom(...CODINGS), { maxLength: 2 }),
    end: fc.constantFrom("\r\n", "\n", "\r"),
    body: fc.constantFrom(...CHUNKS),
  })
  .map(({ lengths, codings, end, body }) => {
    const lines = [
      ...lengths.map((length) => `Content-Length: ${length}${end}`),
      ...codings.map((coding) => `Transfer-Encoding: ${coding}${end}`),
    ];
    return Buffer.from(`${POST}${lines.join("")}\r\n${body}${NEXT}`, "latin1");
  });

const large = fc
  .tuple(
    fc.constantFrom("one", "many", "folded"),
    fc.constantFrom(1000, 50_000, 1_048_576, 1_300_000),
  )
  .map(([form, size]) => {
    const value = form === "one" ? `X: ${"v".repeat(size)}\r\n` : "X: v\r\n".repeat(size / 40);
    return Buffer.from(
      `GET /version HTTP/1.1\r\n${HOST}${form === "folded" ? value.replaceAll("X:", " ") : value}\r\n`,
    );
  });

const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 12, arbitrary: mutatedBytes(REQUESTS) },
  { weight: 12, arbitrary: lies },
  { weight: 1, arbitrary: large },
);

export const framing = httpTarget({
  name: "http-framing",
  inputs: "bytes in place of HTTP/1.1: damaged, cut, contradictory, slow, and far too long",
  // Most cases wait for answers that need not come.
  lanes: 64,
  found: [
    {
      what: "a Content-Length that is sent twice, with the same number, was a 503 for want of room",
      test: [
        "unit/server/http/json-body.test.ts",
        "a length that is declared twice, as HTTP allows it, is a length",
      ],
    },
  ],
  open: ({ port }) =>
    tried(
      fc.record({
        bytes,
        cuts: fc.array(fc.nat(0xffff), { maxLength: 3 }),
        pauseMs: fc.constantFrom(0, 0, 2),
        patienceMs: fc.constantFrom(5, 40, 150),
      }),
      async ({ bytes, cuts, pauseMs, patienceMs }) => {
        const at = cuts
          .map((cut) => Math.floor((cut / 0x10000) * bytes.length))
          .toSorted((a, b) => a - b);
        const pieces = [0, ...at].map((start, n) => bytes.subarray(start, at[n] ?? bytes.length));
        const { answers } = await exchange({ port, pieces, pauseMs, patienceMs, answers: 4 });
        for (const answer of answers) {
          if (answer.status === 0) throw new Error("the answer is not HTTP");
          if (isBare(answer)) continue;
          // Damage may lead to another channel, and to another answer than to its neighbours in the connection.
          const isOfChannel = answer.headers.get("content-type") === "application/octet-stream";
          if (isOfChannel) expectTrickleAnswer(answer);
          else expectJsonAnswer(answer);
        }
      },
    ),
});
