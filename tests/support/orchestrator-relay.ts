/** Simulates how an orchestrator relays server-sent events and how a gateway detects their end (protocol.md 1.3.1). */
import type http from "node:http";

/** Longest line that Go's scanner accepts, including the line feed. */
const MAX_LINE_BYTES = 64 * 1024;
/** Line feeds per write; go-livepeer writes them as fast as it can. */
const SPIN_MS = 20;

export const isEventStream = (answer: Response): boolean =>
  (answer.headers.get("content-type") ?? "").includes("text/event-stream");

/**
 * Relays line by line, with the balance before the final line. If the worker's stream ends early, or a line is too long, it
 * writes line feeds until the time is up or the peer has left.
 */
export async function relayEvents(
  answer: Response,
  response: http.ServerResponse,
  timeoutMs: number,
): Promise<void> {
  const left = Promise.withResolvers<void>();
  const timer = setTimeout(left.resolve, timeoutMs);
  response.on("close", left.resolve);
  response.flushHeaders();
  const relayed = async () => {
    for await (const line of scanLines(answer)) {
      if (line.includes("[DONE]")) response.write('data: {"balance": 0.000}\n\n\n');
      response.write(`${line}\n`);
    }
  };
  // A broken connection ends the scan like a regular end.
  await Promise.race([relayed().catch(() => {}), left.promise]);
  const spin = setInterval(() => response.write("\n"), SPIN_MS);
  await left.promise;
  clearInterval(spin);
  clearTimeout(timer);
  response.end();
}

async function* scanLines(answer: Response): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const bytes of answer.body ?? []) {
    rest = Buffer.concat([rest, bytes]);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      if (end >= MAX_LINE_BYTES) return;
      yield rest.subarray(0, end).toString();
      rest = rest.subarray(end + 1);
    }
    if (rest.length >= MAX_LINE_BYTES) return;
  }
  if (rest.length > 0) yield rest.toString();
}

/** The lines that a gateway's client gets, up to the final one. Throws if the stream ends without it. */
export async function readUntilDone(answer: Response): Promise<string[]> {
  const seen: string[] = [];
  for await (const line of scanLines(answer)) {
    seen.push(line);
    if (line.includes("[DONE]")) return seen;
  }
  throw new Error(`no line ended the stream: ${seen.join("\n").slice(0, 500)}`);
}
