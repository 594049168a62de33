/** Starts the stream of a session: reads the request, makes the channels, and hands both to the stream engine (live-runner.md 4.2). */
import type { ModelInfo } from "../../../../engine/protocol/models.ts";
import { WorkerError } from "../../../../errors.ts";
import type { FieldProblem } from "../../../../field-problem.ts";
import type { Place } from "../../../admission.ts";
import type { StreamStarter } from "../../../streams/start.ts";
import type { Stream } from "../../../streams/stream.ts";
import type { Remarks } from "../../../streams/update.ts";
import { type SideChannelRules, SideChannels } from "../../side-channels/side-channels.ts";
import { RunnerError, workerErrors } from "../app/runner-errors.ts";
import type { Asked, SessionStart } from "../app/session-start.ts";
import type { Startup } from "../app/startup.ts";
import { liveRunnerProtocol } from "../live-runner-protocol.ts";
import type { SessionCallbacks } from "./callbacks.ts";
import { type ClientUrls, channelName, makeChannels, rolesOf } from "./session-channels.ts";

export interface SessionStartRequest {
  readonly start: SessionStart;
  /** `RUNNER_SEGMENT_SECONDS`. */
  readonly segmentSeconds: number;
  readonly callbacks: SessionCallbacks;
  readonly sideChannels: SideChannelRules;
  readonly isOrchestrator: (origin: string) => boolean;
  /** Counts the attempts that have got as far as their channels, from 1. */
  readonly nextAttempt: () => number;
  /** Belongs to the stream once that runs. */
  readonly place: Place;
  readonly startupOf: (model: ModelInfo) => Startup;
  /** Applies an update that came through the control channel. */
  readonly update: (body: object) => Promise<Pick<Remarks, "ignored">>;
  /** Called right before the stream is made; throws if the session has ended meanwhile. */
  readonly assertLives: () => void;
}

/** A session as its client started it, and as it was changed since. */
export interface RunningSession extends Asked {
  readonly start: SessionStart;
  readonly stream: Stream;
  /** The channels' URLs for the client. They are credentials. */
  readonly urls: ClientUrls;
  readonly startedAt: Date;
  /** Whether its model was loaded at the start, and the estimate of that moment. */
  readonly startup: Startup;
  /** Members of the last start or update that no part of the runner knows, and that were left out. */
  readonly ignored: readonly string[];
  /** What was wrong with parts of its graphs and texts. */
  readonly warnings: readonly FieldProblem[];
}

/**
 * Settles when the stream is admitted; models load afterwards. Throws RunnerError and WorkerError; then neither a stream
 * nor a channel is left.
 */
export async function startSession(
  starter: Pick<StreamStarter, "prepare" | "checkChannels" | "begin">,
  request: SessionStartRequest,
): Promise<RunningSession> {
  const { start, callbacks, isOrchestrator, place, assertLives } = request;
  const fields = { ...start.fields };
  fields.segment_seconds ??= request.segmentSeconds;
  const program = await starter.prepare(liveRunnerProtocol, fields, "input");
  const startup = request.startupOf(program.model);
  assertFastEnough(start, startup);
  assertLives();
  const roles = rolesOf(start);
  const attempt = request.nextAttempt();
  try {
    const { urls, requests } = await makeChannels(callbacks, roles, attempt, isOrchestrator);
    const channels = await starter.checkChannels(requests).catch(blameOrchestrator);
    assertLives();
    const began = starter.begin(liveRunnerProtocol, program, {
      // A session's own id is a credential of its client.
      id: crypto.randomUUID(),
      channels,
      shownChannels: { stream_url: null, input_url: null },
      capability: null,
      place,
      observe: (made, control) => {
        const { side } = channels;
        if (Object.keys(side).length === 0) return null;
        return new SideChannels(made, {
          channels: side,
          dataFormat: "lines",
          rules: request.sideChannels,
          control: { ...control, update: (_, body) => workerErrors(request.update(body)) },
        });
      },
    });
    const { stream, remarks } = await began.catch(blameOrchestrator);
    const ignored = [...start.ignored, ...remarks.ignored];
    const { warnings } = remarks;
    const { preset, mode, radius } = start;
    const startedAt = new Date();
    return { start, preset, mode, radius, stream, urls, startedAt, startup, ignored, warnings };
  } catch (error) {
    // The next attempt has names of its own.
    void callbacks.deleteChannels(roles.map((role) => channelName(role, attempt)));
    throw error;
  }
}

/** What is wrong with the channels is not the client's doing: their URLs are the orchestrator's. */
function blameOrchestrator(error: unknown): never {
  if (!(error instanceof WorkerError) || error.kind !== "invalid_request") throw error;
  const { message, details } = error;
  const field = details[0]?.field;
  throw new RunnerError("orchestrator_error", message, {
    cause: error,
    ...(field !== undefined && { field }),
  });
}

/** Throws RunnerError `startup_exceeds_limit`. A start whose length is unknown is let through. */
function assertFastEnough({ maxStartupMs }: SessionStart, { compute, estimatedMs }: Startup): void {
  if (maxStartupMs === null || estimatedMs === null || estimatedMs <= maxStartupMs) return;
  const [estimated, most] = [estimatedMs / 1000, maxStartupMs / 1000];
  const message = `the model needs about ${estimated} s to load, more than max_startup_s (${most})`;
  throw new RunnerError("startup_exceeds_limit", message, {
    field: "max_startup_s",
    compute,
    estimated_startup_s: estimated,
  });
}
