/** Declares and builds the record of a session that has ended: its answer to `/stop`, and a line of RUNNER_USAGE_LOG (live-runner.md 4.3). */
import { type Static, Type } from "@sinclair/typebox";
import { literals, nullable } from "../../../../schema.ts";
import { Usage } from "../../../streams/usage.ts";
import type { RunnerSession } from "../sessions/session.ts";
import { SessionMetadata } from "./session-metadata.ts";
import { computeAtStart, Performance, performanceOf, StartCompute } from "./session-object.ts";
import { seconds } from "./startup.ts";
import { PIPELINE_NAME } from "./status-answer.ts";

/** What a session costs: `RUNNER_PRICE` and `RUNNER_PRICE_UNIT`. */
export interface SessionPrice {
  /** In USD. */
  readonly price: number;
  readonly unit: PriceUnit;
}
const PRICE_UNITS = ["hour", "fixed", "720p"] as const;
export type PriceUnit = (typeof PRICE_UNITS)[number];

const TIMES = ["duration_s", "active_s", "paused_s", "fallback_s", "fallback_events"] as const;

const CostEstimate = Type.Object(
  {
    amount: Type.Number({ minimum: 0 }),
    currency: Type.Literal("usd"),
    basis: literals(PRICE_UNITS, {
      description: "an hour of the session, the session, or an hour of 720p at 30 frames a second",
    }),
  },
  { description: "by the price that the runner registers; the orchestrator does the billing" },
);

export const UsageRecord = Type.Object(
  {
    session: Type.String(),
    status: literals(["completed", "stopped", "expired", "failed"]),
    reason: Type.String(),
    ...SessionMetadata.properties,
    pipeline: Type.String(),
    preset: nullable(Type.String()),
    compute_at_start: nullable(StartCompute),
    startup_s: nullable(Type.Number({ minimum: 0 })),
    started_at: nullable(Type.String({ description: "null for a session that was never started" })),
    ended_at: Type.String(),
    ...Type.Pick(Usage, TIMES).properties,
    ...Performance.properties,
    frames_out: Usage.properties.frames_out,
    megapixels: Usage.properties.megapixels,
    cost_estimate: CostEstimate,
  },
  { description: "what a session that has ended used" },
);
export type UsageRecord = Static<typeof UsageRecord>;

/** The answer to `/stop`. */
export const SessionStopped = Type.Object(
  {
    success: Type.Literal(true),
    ...UsageRecord.properties,
    already_stopped: Type.Boolean({ description: "whether it had ended before the call" }),
  },
  { description: "what the session used, which has ended" },
);
export type SessionStopped = Static<typeof SessionStopped>;

/** The answer about a session that has ended. */
export const SessionUsage = Type.Object(
  { success: Type.Literal(true), ...UsageRecord.properties },
  { description: "what the session used, which has ended" },
);

/**
 * The record of a session that has ended, or is about to.
 *
 * @param startupMs from its start until the model could draw; null where it never could
 */
export function usageRecord(
  { id, outcome, running, endedAt }: EndedSession,
  startupMs: number | null,
  price: SessionPrice,
): UsageRecord {
  const usage = running?.stream.usage ?? UNUSED;
  const { status, reason } = outcome ?? { status: "stopped", reason: "" };
  return {
    session: id,
    status,
    reason,
    ...running?.start.metadata,
    pipeline: PIPELINE_NAME,
    preset: running?.preset ?? null,
    compute_at_start: running === null ? null : computeAtStart(running.startup),
    startup_s: seconds(startupMs),
    started_at: usage.started_at,
    ended_at: usage.ended_at ?? (endedAt ?? new Date()).toISOString(),
    duration_s: usage.duration_s,
    active_s: usage.active_s,
    paused_s: usage.paused_s,
    fallback_s: usage.fallback_s,
    fallback_events: usage.fallback_events,
    ...performanceOf(usage, running?.stream.stats.consecutive_errors ?? 0),
    frames_out: usage.frames_out,
    megapixels: usage.megapixels,
    cost_estimate: costEstimate(usage, price),
  };
}

/** As a session is seen once its outcome is known. */
type EndedSession = Pick<RunnerSession, "id" | "outcome" | "running" | "endedAt">;

const PIXELS_PER_HOUR_720P = 1280 * 720 * 30 * 3600;

/** What the registered price makes of a usage. The orchestrator bills, not this. */
export function costEstimate(
  { started_at, duration_s, megapixels }: RecordedUsage,
  { price, unit }: SessionPrice,
): UsageRecord["cost_estimate"] {
  const amounts: Record<PriceUnit, number> = {
    hour: (price * duration_s) / 3600,
    fixed: started_at === null ? 0 : price,
    "720p": (price * megapixels * 1e6) / PIXELS_PER_HOUR_720P,
  };
  return { amount: Number(amounts[unit].toFixed(6)), currency: "usd", basis: unit };
}

type RecordedUsage = Pick<Usage, "duration_s" | "megapixels"> & {
  readonly started_at: string | null;
};

/** The usage of a session that was reserved and never started. */
const UNUSED = {
  started_at: null,
  ended_at: null,
  duration_s: 0,
  active_s: 0,
  paused_s: 0,
  fallback_s: 0,
  fallback_events: [],
  frames_in: 0,
  frames_processed: 0,
  frames_fallback: 0,
  frames_out: 0,
  errors: 0,
  megapixels: 0,
  inference_fps: 0,
  latency_s: { p50: null, p95: null, p99: null },
};
