/** Builds what clients see of the runner and of their sessions, from the state of the server. */
import type { ModelInfo } from "../../../../engine/protocol/models.ts";
import type { EngineScheduler } from "../../../engines/scheduler.ts";
import type { Fallbacks } from "../../../streams/fallbacks.ts";
import { INPUT_DEFAULTS } from "../../../streams/params.ts";
import type { Stream } from "../../../streams/stream.ts";
import type { RunnerGpu } from "../registration/heartbeat.ts";
import type { RunnerSession } from "../sessions/session.ts";
import type { SessionTable } from "../sessions/session-table.ts";
import type { RunningSession } from "../sessions/start-session.ts";
import { type Compute, notStarted, RunnerError } from "./runner-errors.ts";
import { type SessionObject, type SessionStarted, sessionObject } from "./session-object.ts";
import { seconds, startupOf } from "./startup.ts";
import { type StatsAnswer, statsAnswer } from "./stats-answer.ts";
import { PIPELINE_NAME, type StatusAnswer, statusAnswer } from "./status-answer.ts";
import { type SessionPrice, type UsageRecord, usageRecord } from "./usage-record.ts";

export interface RunnerViewOptions {
  readonly scheduler: Pick<EngineScheduler, "models" | "state">;
  readonly fallbacks: Pick<Fallbacks, "names">;
  /** `RUNNER_APP`. */
  readonly app: string;
  /** The GPU of the first device. */
  readonly gpu: () => RunnerGpu | null;
  readonly price: SessionPrice;
}

export class RunnerView {
  readonly #options: RunnerViewOptions;
  /** Milliseconds that the streams of sessions waited for their models. */
  readonly #startups = new WeakMap<Stream, number>();

  constructor(options: RunnerViewOptions) {
    this.#options = options;
  }

  /** Throws RunnerError before its start. */
  session(session: RunnerSession): SessionObject {
    const running = runningOf(session);
    return sessionObject(session, running, this.#startupMs(running));
  }

  /** The answer to its start. */
  started(session: RunnerSession): SessionStarted {
    const { startup } = runningOf(session);
    return {
      ...this.session(session),
      estimated_startup_s: seconds(startup.estimatedMs),
      pipeline: PIPELINE_NAME,
    };
  }

  /** What a session that has ended used, also one that was never started. */
  usage(session: RunnerSession): UsageRecord {
    const { running } = session;
    const startupMs = running === null ? null : this.#startupMs(running);
    return usageRecord(session, startupMs, this.#options.price);
  }

  /** Whether the model is loaded that a start without one gets. */
  get compute(): Compute {
    return startupOf(this.#model(INPUT_DEFAULTS.model), this.#options.scheduler).compute;
  }

  /**
   * The runner as the caller of `session` sees it; null: a caller without a session. `name`: the model that is asked
   * about; null: the session's, or the default. Throws RunnerError for an unknown model.
   */
  async status(
    sessions: SessionTable,
    session: RunnerSession | null,
    name: string | null,
  ): Promise<StatusAnswer> {
    const { scheduler, fallbacks, app, gpu } = this.#options;
    const modelName = name ?? session?.running?.stream.params.model ?? INPUT_DEFAULTS.model;
    const model = this.#model(modelName);
    if (name !== null && model === null && scheduler.models.all.length > 0)
      throw new RunnerError("invalid_param", "model is unknown", { field: "model" });
    return statusAnswer({
      model,
      modelName,
      app,
      startup: startupOf(model, scheduler),
      capacity: sessions.offer().capacity,
      capacityUsed: sessions.ids.length,
      session: session?.isHeld ? { id: session.id, error: errorOf(session) } : null,
      fallbacks: await fallbacks.names(),
      gpu: gpu(),
    });
  }

  /** As `status`, with the session and its figures. */
  async stats(
    sessions: SessionTable,
    session: RunnerSession | null,
    name: string | null,
  ): Promise<StatsAnswer> {
    const status = await this.status(sessions, session, name);
    const isShown = session?.isHeld && session.running !== null;
    return statsAnswer(
      status,
      isShown ? this.session(session) : null,
      session?.running?.stream ?? null,
    );
  }

  #model(name: string): ModelInfo | null {
    return this.#options.scheduler.models.all.find((one) => one.name === name) ?? null;
  }

  /** From the start of a session until its model could draw; null before. */
  #startupMs({ stream, startup, startedAt }: RunningSession): number | null {
    const known = startup.compute === "warm" ? 0 : this.#startups.get(stream);
    if (known !== undefined) return known;
    const { model } = stream.params;
    if (this.#model(model)?.state !== "ready") return null;
    const { since } = this.#options.scheduler.models.loads.of(model);
    if (since === null) return null;
    const waited = Math.max(0, performance.timeOrigin + since - startedAt.getTime());
    this.#startups.set(stream, waited);
    return waited;
  }
}

function runningOf({ running }: RunnerSession): RunningSession {
  if (running !== null) return running;
  throw notStarted();
}

const errorOf = ({ running }: RunnerSession): string | null =>
  running?.stream.error?.message ?? null;
