/** Declares and builds the object by which a client sees its session (live-runner.md 4.3). */
import { type Static, Type } from "@sinclair/typebox";
import { FieldProblem } from "../../../../field-problem.ts";
import { literals, nullable } from "../../../../schema.ts";
import { drawnBy, startMembers } from "../../../streams/stream-object.ts";
import { SHOWN_REASONS, type Usage } from "../../../streams/usage.ts";
import type { RunnerSession } from "../sessions/session.ts";
import type { RunningSession } from "../sessions/start-session.ts";
import { SessionMetadata } from "./session-metadata.ts";
import { seconds } from "./startup.ts";

const Seconds = (description: string) => Type.Number({ minimum: 0, description });
const Quantile = nullable(Type.Number({ minimum: 0 }));
const Url = (description: string) => Type.String({ description });

/** The states in which clients see a session. */
export const SessionStatus = literals([
  "active",
  "paused",
  "completed",
  "stopped",
  "expired",
  "failed",
]);
export type SessionStatus = Static<typeof SessionStatus>;

/** Whether the model was loaded when the session started. */
export const StartCompute = literals(["warm", "cold"]);

/** How the model has done. */
export const Performance = Type.Object({
  frames_in: Type.Integer(),
  frames_processed: Type.Integer({ description: "frames that the model made" }),
  frames_fallback: Type.Integer({ description: "frames shown in place of the model's" }),
  errors: Type.Integer({ description: "runs of the model that failed" }),
  consecutive_errors: Type.Integer({ description: "failed runs since the last good one" }),
  inference_fps: Type.Number({ description: "frames that the model made, per active second" }),
  latency_s: Type.Object({ p50: Quantile, p95: Quantile, p99: Quantile }),
});
export type Performance = Static<typeof Performance>;

const members = {
  success: Type.Literal(true),
  session: Type.String(),
  status: SessionStatus,
  output: literals(["live", "fallback", "paused"], { description: "what viewers see" }),
  fallback_reason: nullable(literals(SHOWN_REASONS)),
  in: Url("channel to publish MPEG-TS to"),
  out: Url("channel to read MPEG-TS from"),
  events: Type.Optional(Url("channel of events, if it was asked for")),
  data: Type.Optional(Url("channel of the model's data, if it was asked for")),
  control: Type.Optional(Url("channel that takes updates, if it was asked for")),
  compute: StartCompute,
  startup_s: nullable(Seconds("from the start until the model could draw; null before")),
  preset: nullable(Type.String()),
  params: Type.Record(Type.String(), Type.Unknown(), { description: "as they are applied" }),
  fallback: Type.String({ description: "what is shown while paused, and when the model fails" }),
  metadata: SessionMetadata,
  started_at: Type.String(),
  elapsed_s: Seconds("since the start"),
  paused_s: Seconds("of that in which it was paused"),
  fallback_s: Seconds("of that in which something other than the model's pictures was shown"),
  gpu_reserved: Type.Boolean({ description: "whether it holds a place on the device" }),
  performance: Performance,
  mode: Type.Optional(Type.String()),
  radius: Type.Optional(Type.Number()),
  error: Type.Optional(Type.String({ description: "what degrades it, or why it failed" })),
  ignored: Type.Optional(Type.Array(Type.String(), { description: "members that were left out" })),
  warnings: Type.Optional(
    Type.Array(FieldProblem, { description: "what is wrong with parts of graphs and texts" }),
  ),
};

export const SessionObject = Type.Object(members, { description: "the session" });
export type SessionObject = Static<typeof SessionObject>;

/** The answer to a start. */
export const SessionStarted = Type.Object(
  {
    ...members,
    estimated_startup_s: nullable(Seconds("until the model draws; null where nothing is known")),
    pipeline: Type.String(),
  },
  { description: "the session, which has started; its model may still load" },
);
export type SessionStarted = Static<typeof SessionStarted>;

/**
 * A session that has started, live or ended.
 *
 * @param startupMs from its start until the model could draw; null before
 */
export function sessionObject(
  { id, outcome }: Pick<RunnerSession, "id" | "outcome">,
  running: RunningSession,
  startupMs: number | null,
): SessionObject {
  const { stream, start, startup, mode, radius, ignored, warnings } = running;
  const { usage, params, showing, error } = stream;
  return {
    success: true,
    session: id,
    status: statusOf(outcome, params),
    output: showing.output,
    fallback_reason: showing.reason ?? null,
    ...running.urls,
    compute: computeAtStart(startup),
    startup_s: seconds(startupMs),
    preset: running.preset,
    params: { ...startMembers(params), prompts: drawnBy(params) },
    fallback: params.fallback ?? "passthrough",
    metadata: start.metadata,
    started_at: usage.started_at,
    elapsed_s: usage.duration_s,
    paused_s: usage.paused_s,
    fallback_s: usage.fallback_s,
    gpu_reserved: outcome === null,
    performance: performanceOf(usage, stream.stats.consecutive_errors),
    ...(mode !== null && { mode }),
    ...(radius !== null && { radius }),
    ...(error !== null && { error: error.message }),
    ...(ignored.length > 0 && { ignored: [...ignored] }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

export const computeAtStart = ({ compute }: RunningSession["startup"]): "warm" | "cold" =>
  compute === "warm" ? "warm" : "cold";

const statusOf = (
  outcome: RunnerSession["outcome"],
  { paused }: { readonly paused: boolean },
): SessionStatus => outcome?.status ?? (paused ? "paused" : "active");

export const performanceOf = (
  usage: Pick<Usage, Exclude<keyof Performance, "consecutive_errors">>,
  consecutive_errors: number,
): Performance => ({
  frames_in: usage.frames_in,
  frames_processed: usage.frames_processed,
  frames_fallback: usage.frames_fallback,
  errors: usage.errors,
  consecutive_errors,
  inference_fps: usage.inference_fps,
  latency_s: usage.latency_s,
});
