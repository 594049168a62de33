/** Asks a running server how it is, for containers without a shell. */
import { type Static, Type } from "@sinclair/typebox";
import { reason } from "../errors.ts";
import { check } from "../schema-check.ts";

const TIMEOUT_MS = 5000;
const Health = Type.Object({ status: Type.String(), active_streams: Type.Integer() });

/** One sentence about the server at host and port, and whether it can be used. */
export async function askHealth(
  host: string,
  port: number,
): Promise<{ ok: boolean; says: string }> {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host;
  const url = `http://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${port}/health`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), proxy: "" });
    const body: unknown = await response.json().catch(() => null);
    if (!check(Health).Check(body))
      return { ok: false, says: `${url} is no comfystream-byoc: it answered ${response.status}` };
    const { status, active_streams } = body as Static<typeof Health>; // what Check has just proven
    const state = response.ok ? status : `${status}, takes nothing new`;
    return { ok: response.ok, says: `${state}, ${active_streams} streams at ${url}` };
  } catch (error) {
    return { ok: false, says: `no answer from ${url}: ${reason(error)}` };
  }
}
