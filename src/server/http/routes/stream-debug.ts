/** Answers `GET /stream/{id}/debug`: what the server knows of a stream, and what its engine tells when it is asked. */
import { type Static, Type } from "@sinclair/typebox";
import { PipelineDebug } from "../../../engine/protocol/debug.ts";
import { reason } from "../../../errors.ts";
import { literals, nullable } from "../../../schema.ts";
import type { EngineScheduler } from "../../engines/scheduler.ts";
import { RecentEvent } from "../../streams/recent-events.ts";
import type { Stream } from "../../streams/stream.ts";
import { StreamObject } from "../schemas/stream-answers.ts";

export const DebugAnswer = Type.Object(
  {
    success: Type.Literal(true),
    stream: StreamObject,
    log_id: Type.String({ description: "names the stream in log lines, as `stream`" }),
    events: Type.Array(RecentEvent, { description: "the last 20, the oldest first" }),
    generation: Type.Integer({ description: "engines that have run it, 1 without a restart" }),
    engine: nullable(
      Type.Object({
        device: Type.String(),
        pid: nullable(Type.Integer()),
        state: literals(["booting", "ready", "waiting", "unfit", "closed"]),
        isolated: Type.Boolean({ description: "it runs this stream alone, as a suspect" }),
        restarts: Type.Integer({ description: "how often this engine was replaced" }),
        streams: Type.Integer({ description: "streams and pictures that it runs" }),
      }),
    ),
    calls: Type.Array(
      Type.Object({
        kind: Type.String(),
        for_ms: Type.Integer({ description: "at least this long; counted in steps of 250 ms" }),
        allowed_ms: Type.Number({ description: "after this it counts as hung" }),
      }),
      {
        description: "the native calls that it is in at this moment, also of an engine that hangs",
      },
    ),
    pipeline: nullable(Type.Unsafe<PipelineDebug>(PipelineDebug)),
    unanswered: Type.Optional(
      Type.String({ description: "why `pipeline` is null for a live stream" }),
    ),
  },
  { description: "the stream, its last events, its engine, and the state of its pipeline" },
);

/** An engine that hangs is not waited for longer. */
const ANSWER_MS = 1000;

export async function streamDebug(
  stream: Stream,
  scheduler: EngineScheduler,
): Promise<Static<typeof DebugAnswer>> {
  const { engine, calls } = scheduler.inspect(stream);
  const asked =
    stream.endedAt === null
      ? await scheduler.askPipeline(stream, AbortSignal.timeout(ANSWER_MS)).then(
          (pipeline) => ({ pipeline }),
          (error) => ({ pipeline: null, unanswered: reason(error) }),
        )
      : { pipeline: null };
  return {
    success: true,
    stream: stream.toJSON(),
    log_id: stream.logId,
    events: stream.recent.all,
    generation: stream.stats.restarts + 1,
    engine,
    calls,
    ...asked,
  };
}
