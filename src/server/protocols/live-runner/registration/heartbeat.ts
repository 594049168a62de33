/** Declares the bodies of heartbeats and of their answers (live-runner.md 2.1). */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { nullable } from "../../../../schema.ts";
import { check } from "../../../../schema-check.ts";
import type { RunnerStatus } from "../runner-sessions.ts";
import { goDuration } from "./duration.ts";

/** The first device. Clients filter by the exact name. */
export interface RunnerGpu {
  readonly id: string;
  readonly name: string;
  readonly vram_mb: number;
}

/** What is registered; replaces what was registered before. */
export interface HeartbeatBody {
  readonly runner_id: string;
  /** Without a trailing slash. The orchestrator never shows it. */
  readonly runner_url: string;
  readonly app: string;
  readonly mode: "persistent" | "single-shot";
  readonly proxy: boolean;
  readonly label?: string;
  readonly version: string;
  readonly status: RunnerStatus;
  readonly capacity: number;
  readonly gpu?: RunnerGpu;
  readonly price_info: {
    readonly price: number;
    readonly currency: "usd";
    readonly unit: string;
  };
  /** Public, at most 1024 bytes. */
  readonly metadata: string;
  /** Credentials. */
  readonly session_ids: readonly string[];
}

const orNull = <T extends TSchema>(schema: T) => Type.Optional(nullable(schema));

/** Go writes null for an empty list. */
const Answer = Type.Object({
  runner_id: Type.String({ minLength: 1 }),
  orchestrator: orNull(Type.String()),
  heartbeat_interval: orNull(Type.String()),
  heartbeat_ttl: orNull(Type.String()),
  heartbeat_secret: orNull(Type.String()),
  o2r: orNull(Type.Object({ url: Type.String() })),
  session_ids: orNull(Type.Array(Type.String())),
});

/** The answer to a heartbeat. */
export interface HeartbeatAnswer {
  readonly runnerId: string;
  /** Base of callbacks; null where the answer names none. */
  readonly orchestrator: string | null;
  readonly intervalMs: number;
  readonly ttlMs: number;
  /** Of a bootstrap alone. */
  readonly secret: string | null;
  /** Of a bootstrap alone: the channel from orchestrator to runner. A credential. */
  readonly o2rUrl: string | null;
  /** The sessions that the orchestrator has. */
  readonly sessionIds: readonly string[];
}

export const DEFAULT_INTERVAL_MS = 5000;
const DEFAULT_TTL_MS = 20_000;
/** Floor of the interval that an orchestrator asks for. */
const SHORTEST_INTERVAL_MS = 50;

/** Reads the body of an answer of status 200; null for anything but a heartbeat's answer. */
export function readHeartbeatAnswer(text: string): HeartbeatAnswer | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (!check(Answer).Check(body)) return null;
  const given = body as Static<typeof Answer>; // what Check has just proven
  const interval = goDuration(given.heartbeat_interval ?? "") ?? DEFAULT_INTERVAL_MS;
  return {
    runnerId: given.runner_id,
    orchestrator: given.orchestrator || null,
    intervalMs: Math.max(SHORTEST_INTERVAL_MS, interval),
    ttlMs: goDuration(given.heartbeat_ttl ?? "") ?? DEFAULT_TTL_MS,
    secret: given.heartbeat_secret || null,
    o2rUrl: given.o2r?.url ?? null,
    sessionIds: given.session_ids ?? [],
  };
}
