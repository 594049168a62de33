/** Fuzzes paths, queries, methods and headers, on all routes and on those that do not exist. */
import fc from "fast-check";
import { exchange, headOf } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { expectJsonAnswer, expectTrickleAnswer, isBare } from "./promises.ts";
import { API_TOKEN, RUNNER_KEY } from "./worker.ts";

const LONG = "a".repeat(5000);
const SEGMENTS = [
  ...[
    "",
    "stream",
    "start",
    "stop",
    "params",
    "status",
    "debug",
    "data",
    "streams",
    "health",
    "models",
  ],
  ...[
    "metrics",
    "nodes",
    "version",
    "openapi",
    "json",
    "viewer.js",
    "process",
    "request",
    "c",
    "api",
  ],
  ...[
    "text-reversal",
    "comfystream-image",
    "trickle",
    "fuzz-none",
    "runner",
    RUNNER_KEY,
    "session",
  ],
  ...["stats", "app-version", "hardware", "info", "registrations", "live-video-to-video", "nope"],
  ...[
    ".",
    "..",
    "%2e%2e",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "%",
    "%zz",
    "%ff",
    "%c0%af",
    "%ed%a0%80",
    "*",
    ":id",
  ],
  ...["__proto__", "constructor", "toString", "null", "-1", "1e9", "next", "a b", "é", LONG],
];
const METHODS = [
  "GET",
  "GET",
  "POST",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "PUT",
  "PATCH",
  "TRACE",
  "CONNECT",
];
const ODD_METHODS = ["get", "QUERY", "PROPFIND", "X", "G\tET", "", "POST".repeat(100)];
const VALUES = [
  ...[
    "",
    "*",
    "0",
    "-1",
    "null",
    "undefined",
    "true",
    "%00",
    "a, b",
    "é",
    "{}",
    '"',
    ";",
    "\t",
    LONG,
  ],
  ...[
    "Bearer ",
    `Bearer ${API_TOKEN}x`,
    "Basic YTpi",
    "http://evil.example",
    "null",
    "http://127.0.0.1",
  ],
  ...[
    "text/event-stream",
    "application/json",
    "text/plain",
    "multipart/form-data",
    "application/x-foo; a=",
  ],
  ...[
    "websocket",
    "h2c",
    "keep-alive, Upgrade",
    "close",
    "13",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "100-continue",
  ],
  ...["gzip", "bytes=0-1", "bytes=-1", "127.0.0.1", "::1", "evil.example:99999", "localhost, x"],
];
const HEADERS = [
  ...[
    "Host",
    "Origin",
    "Authorization",
    "Content-Type",
    "Accept",
    "X-Stream-Id",
    "Livepeer",
    "Cookie",
  ],
  ...[
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Expect",
    "Range",
    "Via",
  ],
  ...[
    "If-None-Match",
    "If-Modified-Since",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "Forwarded",
    "Te",
  ],
  ...[
    "Accept-Encoding",
    "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
    "HTTP2-Settings",
  ],
  ...[
    "Livepeer-Session-Id",
    "Livepeer-Session-Control",
    "Livepeer-Runner-Route",
    "Lp-Trickle-Reset",
  ],
  ...["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Content-Encoding", "__proto__"],
];

const segment = fc.oneof(
  fc.constantFrom(...SEGMENTS),
  fc.constantFrom(...SEGMENTS),
  fc.string({ unit: "binary-ascii", maxLength: 12 }),
);
const path = fc
  .tuple(
    fc.constantFrom("/", "/", "/", "//", "", "http://127.0.0.1/", "*"),
    fc.array(segment, { maxLength: 5 }),
  )
  .map(([start, segments]) => start + segments.join("/"));
const query = fc
  .array(
    fc.tuple(fc.constantFrom("all", "check", "model", "x", "__proto__", "", "%", "a[]"), segment),
    { maxLength: 3 },
  )
  .map((pairs) => (pairs.length === 0 ? "" : `?${pairs.map((pair) => pair.join("=")).join("&")}`));
const value = fc
  .oneof(fc.constantFrom(...VALUES), segment)
  .map((text) => text.replaceAll(/[\r\n]/g, ""));
const header = fc.tuple(fc.constantFrom(...HEADERS), value);

/** Anything else is not HTTP: Bun refuses it by itself, or closes the connection. */
const TARGET = /^(http:\/\/127\.0\.0\.1)?\/[\x21-\x7e]*$/;
const isOdd = ([, value]: readonly [string, string]) => !/^[\t\x20-\x7e]*$/.test(value);

export const requestHeads = httpTarget({
  name: "request-heads",
  inputs: "methods, paths, queries and headers that exist, nearly exist or must not",
  found: [
    {
      what: "CONNECT with a target that has no path and is no URL was a 500",
      test: [
        "unit/server/http/request-url.test.ts",
        "a target without a path gets a URL that parses",
      ],
    },
  ],
  open: ({ port }) =>
    tried(
      fc.record({
        method: fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom(...METHODS) },
          fc.constantFrom(...ODD_METHODS),
        ),
        target: fc
          .tuple(path, query)
          .map(([own, asked]) => (own + asked).replaceAll(/[\r\n]/g, "")),
        headers: fc.array(header, { maxLength: 4 }),
        isOperator: fc.boolean(),
      }),
      async ({ method, target, headers, isOperator }) => {
        const all = [
          ["Host", "127.0.0.1"],
          ...(isOperator ? ([["Authorization", `Bearer ${API_TOKEN}`]] as const) : []),
          ...headers,
        ] as const;
        const head = headOf({ method, target, headers: all });
        const hasBodies = method !== "HEAD";
        const pieces = [Buffer.from(head, "latin1")];
        const { answers, closed } = await exchange({ port, pieces, hasBodies });
        const [answer] = answers;
        const isHttp = METHODS.includes(method) && TARGET.test(target) && !headers.some(isOdd);
        if (answer === undefined) {
          if (isHttp || !closed) throw new Error(closed ? "closed without an answer" : "no answer");
        } else if (isBare(answer)) {
          if (isHttp && !isTrickle(target)) throw new Error(`a bare ${answer.status}`);
        } else if (!hasBodies) {
          if (answer.status >= 500 && answer.status !== 503)
            throw new Error(`HEAD: ${answer.status}`);
        } else if (isTrickle(target)) expectTrickleAnswer(answer);
        else expectJsonAnswer(answer);
      },
    ),
});

const isTrickle = (target: string) => /^(http:\/\/127\.0\.0\.1)?\/+trickle\//.test(target);
