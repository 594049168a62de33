/** How an orchestrator relays server-sent events, and how a gateway knows their end (protocol.md 1.3.1). */
import type http from "node:http";

/** Longest line of Go's scanner, with its line feed. */
const MAX_LINE_BYTES = 64 * 1024;
/** go-livepeer writes them as fast as it can. */
const SPIN_MS = 20;

export const isEventStream = (answer: Response): boolean =>
  (answer.headers.get("content-type") ?? "").includes("text/event-stream");

/**
 * Line by line, with the balance before the line that ends it. A worker whose stream has ended, or whose line is too
 * long, makes line feeds until the time is over or the peer has left.
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
  // A worker that breaks off ends the scan like one that ends.
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

/** What a gateway's client gets: all lines up to the one that ends it. Throws when none does before the stream's end. */
export async function readUntilDone(answer: Response): Promise<string[]> {
  const seen: string[] = [];
  for await (const line of scanLines(answer)) {
    seen.push(line);
    if (line.includes("[DONE]")) return seen;
  }
  throw new Error(`no line ended the stream: ${seen.join("\n").slice(0, 500)}`);
}
