/** Fuzzes trickle channels with requests in any order: what was posted is what is read. */
import fc from "fast-check";
import { type Answer, exchange, headOf } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { expectTrickleAnswer } from "./promises.ts";
import { API_TOKEN } from "./worker.ts";

const NAMES = [
  "a",
  "b",
  "é",
  "a%20b",
  "%00",
  "%2e%2e",
  ".",
  "__proto__",
  "x".repeat(700),
  "%ff",
  "",
];
const SEQS = [
  "0",
  "1",
  "2",
  "-1",
  "-2",
  "-3",
  "next",
  "007",
  "999999999999999",
  "1e3",
  "1.5",
  "",
  "%30",
  "x",
];
const HEADERS = [
  ...[
    ["Lp-Trickle-Reset", "1"],
    ["Content-Type", "video/mp2t"],
    ["Content-Type", "x".repeat(300)],
  ],
  ...[
    ["Expect-Content", "application/json"],
    ["Lp-Trickle-Reset", ""],
    ["Expect", "100-continue"],
  ],
] as const satisfies readonly (readonly [string, string])[];
/** A read of a segment that nobody has begun waits for as long as it is asked to. */
const READ_MS = 60;

const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.nat(200_000).map((length) => new Uint8Array(length).fill(length)),
);
const command = fc.record({
  method: fc.constantFrom("POST", "POST", "GET", "GET", "DELETE", "PUT", "HEAD"),
  name: fc.oneof({ weight: 4, arbitrary: fc.constantFrom("a", "b") }, fc.constantFrom(...NAMES)),
  /** Null: of the channel as a whole. */
  seq: fc.option(fc.constantFrom(...SEQS), { freq: 5 }),
  body,
  form: fc.constantFrom("length", "chunks", "cut"),
  headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 2 }),
});

let cases = 0;

export const trickleRequests = httpTarget({
  name: "trickle-requests",
  inputs: "sequences of trickle requests with names, numbers, bodies and headers of every kind",
  found: [],
  open: ({ port, ask }) =>
    tried(fc.array(command, { minLength: 1, maxLength: 8 }), async (commands) => {
      // Other cases run at the same time: no channel is shared.
      const prefix = `fuzz-${cases++}-`;
      /** By name and number. Null: an unknown part was posted, or under an unknown number. */
      const posted = new Map<string, Buffer | null>();
      for (const { method, name, seq, body, form, headers } of commands) {
        const target = `/trickle/${prefix}${name}${seq === null ? "" : `/${seq}`}`;
        const pieces = piecesOf(form, Buffer.from(body), method);
        const lengths =
          form === "length" || method !== "POST"
            ? (["Content-Length", `${method === "POST" ? body.length : 0}`] as const)
            : (["Transfer-Encoding", "chunked"] as const);
        const head = headOf({
          method,
          target,
          headers: [["Host", "x"], ["Authorization", `Bearer ${API_TOKEN}`], lengths, ...headers],
        });
        const waits = method === "GET" || form === "cut";
        const { answers, closed } = await exchange({
          port,
          pieces: [head, ...pieces],
          hasBodies: method !== "HEAD",
          ...(waits && { patienceMs: READ_MS }),
        });
        const [answer] = answers;
        const segment = /^\d+$/.test(seq ?? "") ? Number(seq) : "unknown";
        if (method === "POST" && form === "cut") hold(posted, name, segment, null);
        if (answer === undefined && !waits)
          throw new Error(`${closed ? "closed without" : "no"} answer to ${method}`);
        if (answer === undefined) continue;
        if (method === "HEAD") continue;
        expectTrickleAnswer(answer);
        if (method === "POST" && answer.status === 200)
          hold(posted, name, segment, Buffer.from(body));
        else if (method !== "GET") forget(posted, name);
        else expectPosted(answer, name, posted);
      }
      for (const name of new Set(commands.map((one) => one.name)))
        await ask("DELETE", `/trickle/${prefix}${name}`).catch(() => {}); // the answer is no JSON
    }),
});

function piecesOf(form: "length" | "chunks" | "cut", body: Buffer, method: string): Buffer[] {
  if (method !== "POST") return [];
  if (form === "length") return [body];
  const half = body.length >> 1;
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
  const framed = chunks.map((chunk) =>
    Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
  );
  return form === "cut" ? framed.slice(0, 1) : [...framed, Buffer.from("0\r\n\r\n")];
}

/** A segment keeps what was posted first (go-livepeer); one of a number such as -1 may be any. */
function hold(
  posted: Map<string, Buffer | null>,
  name: string,
  segment: number | "unknown",
  body: Buffer | null,
): void {
  const key = `${name}/${segment}`;
  if (posted.has(key) || posted.has(`${name}/unknown`)) return;
  posted.set(key, segment === "unknown" ? null : body);
}

function forget(posted: Map<string, Buffer | null>, name: string): void {
  for (const key of posted.keys()) if (key.startsWith(`${name}/`)) posted.delete(key);
}

function expectPosted(
  { status, headers, bytes }: Answer,
  name: string,
  posted: ReadonlyMap<string, Buffer | null>,
): void {
  const own = posted.get(`${name}/${headers.get("lp-trickle-seq")}`);
  if (status === 200 && own != null && !own.equals(bytes))
    throw new Error(`posted ${own.length} bytes, read ${bytes.length} others`);
}
