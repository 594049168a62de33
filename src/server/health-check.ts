/** The command `health`: asks a running server whether it can serve, for containers without a shell. */
import { type Static, Type } from "@sinclair/typebox";
import { reason } from "../errors.ts";
import { check } from "../schema-check.ts";
import type { HealthCheck } from "./health.ts";
import { connectOrigin } from "./hosts/own-address.ts";

const TIMEOUT_MS = 5000;
const Health = Type.Object({
  status: Type.String(),
  active_streams: Type.Integer(),
  capacity: Type.Integer(),
  used: Type.Integer(),
});

const REFUSALS = {
  healthy: "no engine works",
  live: "not live",
  ready: "not ready",
  capacity: "no place is free",
} as const satisfies Record<HealthCheck | "healthy", string>;

/** Whether the server at host and port passes the check, by default that it is healthy, and a sentence about its state. */
export async function askHealth(
  host: string,
  port: number,
  asked?: HealthCheck,
): Promise<{ ok: boolean; message: string }> {
  const query = asked === undefined ? "" : `?check=${asked}`;
  const url = `${connectOrigin({ host, port })}/health${query}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), proxy: "" });
    const body: unknown = await response.json().catch(() => null);
    if (!check(Health).Check(body))
      return {
        ok: false,
        message: `${url} is not a comfystream-byoc server: it answered ${response.status}`,
      };
    const { status, active_streams, capacity, used } = body as Static<typeof Health>; // what Check has just proven
    const state = response.ok ? status : `${status}, ${REFUSALS[asked ?? "healthy"]}`;
    const places = `${used} of ${capacity} places in use`;
    return { ok: response.ok, message: `${state}, ${active_streams} streams, ${places} at ${url}` };
  } catch (error) {
    return {
      ok: false,
      message: `no answer from ${url}: ${reason(error)}; check --host and --port`,
    };
  }
}
