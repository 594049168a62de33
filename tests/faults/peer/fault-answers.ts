/** Decides what a misbehaving path answers in the trickle server's place, and how it changes what the server says. */
import type { TrickleFault } from "./faulty-trickle.ts";
import { CHUNKED, type Head } from "./http-wire.ts";

/** A worker's request. */
export interface RelayedRequest {
  readonly head: Head;
  readonly method: string;
  /** The segment; null for requests about a channel. Below 0: the newest or the next one. */
  readonly seq: number | null;
}

/** How far the numbers in a 470 are from the one that was asked for. */
const OFF = 5;
const HUGE = 999_999_999_999_999;
const SHORT_BYTES = 100;
const LONG_BYTES = 1_000_000_000;
const GARBAGE = Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 167 + 13) % 256));

export function parseRequest(head: Head): RelayedRequest {
  const [method = "", path = ""] = head.start.split(" ");
  const seq = /\/(-?\d+)$/.exec(path)?.[1];
  return { head, method, seq: seq === undefined ? null : Number(seq) };
}

/** The bytes to answer with, instead of asking the server; null: it is asked. */
export function ownAnswer(
  fault: TrickleFault | null,
  { seq }: RelayedRequest,
): string | Buffer | null {
  switch (fault) {
    case "garbage":
      return GARBAGE;
    case "status_404":
      return answer("404 Not Found", {}, "Stream not found");
    case "status_500":
      return answer("500 Internal Server Error", {}, "failed");
    case "status_503":
      return answer("503 Service Unavailable", {}, "too many stream requests");
    case "status_470_older":
      return seq === null ? null : missing(seq, Math.max(0, seq) + OFF);
    case "status_470_newer":
      return seq === null ? null : missing(seq, Math.max(0, seq - OFF));
    default:
      return null;
  }
}

/** A 200 to a POST whose body goes on. */
export const earlyAnswer = ({ seq }: RelayedRequest): string =>
  answer("200 OK", { "Lp-Trickle-Seq": seq ?? 0 }, "");

/** The request that the server gets. `isAgain`: for the segment before, where there is one. */
export function askedOf({ head, method, seq }: RelayedRequest, isAgain: boolean): Head {
  if (!isAgain || method !== "GET" || seq === null || seq < 1) return head;
  return { ...head, start: head.start.replace(`/${seq} `, `/${seq - 1} `) };
}

/** The head of an answer, and how its body is framed. */
export function changedAnswer(
  fault: TrickleFault | null,
  { method, seq }: RelayedRequest,
  head: Head,
): { readonly head: Head; readonly framing: string } {
  const isSegment = method === "GET" && seq !== null;
  switch (fault) {
    case "seq_missing":
      return { head: withNumbers(head, null), framing: CHUNKED };
    case "seq_negative":
      return { head: withNumbers(head, -7), framing: CHUNKED };
    case "seq_huge":
      return { head: withNumbers(head, HUGE), framing: CHUNKED };
    case "length_short":
      return { head, framing: isSegment ? `Content-Length: ${SHORT_BYTES}` : CHUNKED };
    case "length_long":
      return { head, framing: `Content-Length: ${LONG_BYTES}` };
    default:
      return { head, framing: CHUNKED };
  }
}

const isNumber = (name: string) => /^lp-trickle-(seq|latest)$/i.test(name);

function withNumbers({ start, headers }: Head, number: number | null): Head {
  const others = headers.filter(([name]) => !isNumber(name));
  if (number === null) return { start, headers: others };
  const names = headers.map(([name]) => name).filter(isNumber);
  return { start, headers: [...others, ...names.map((name) => [name, `${number}`] as const)] };
}

const missing = (seq: number, latest: number): string =>
  answer("470 Not Found", { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": latest }, "");

function answer(status: string, headers: Readonly<Record<string, number>>, text: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;
}
