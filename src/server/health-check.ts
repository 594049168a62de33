/** Asks a running server how it is, for containers without a shell. */
import { reason } from "../errors.ts";

const TIMEOUT_MS = 5000;

/** One sentence about the server at host and port, and whether it can be used. */
export async function askHealth(
  host: string,
  port: number,
): Promise<{ ok: boolean; says: string }> {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host;
  const url = `http://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${port}/health`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), proxy: "" });
    const body = (await response.json()) as { status?: string; active_streams?: number };
    return { ok: response.ok, says: `${body.status}, ${body.active_streams} streams at ${url}` };
  } catch (error) {
    return { ok: false, says: `no answer from ${url}: ${reason(error)}` };
  }
}
