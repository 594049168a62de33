/** Supervises one engine: hands its work to each process that it has in turn, and keeps what they report. */
import { PipelineDebug } from "../../engine/protocol/debug.ts";
import type { FromEngine, Question } from "../../engine/protocol/messages.ts";
import type { EngineMetrics } from "../../engine/protocol/metrics.ts";
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { EngineCensus } from "../../engine/protocol/stats.ts";
import { type PlainError, WorkerError } from "../../errors.ts";
import { check } from "../../schema-check.ts";
import { EngineLifecycle, type EngineLifecycleOptions } from "./engine-lifecycle.ts";
import { EngineModels } from "./engine-models.ts";
import type { EngineDeath, EngineProcess } from "./engine-process.ts";
import { EngineQuestions } from "./engine-questions.ts";
import { type PlacementControl, Placements } from "./placements.ts";
import type { RestartHistory } from "./restart-history.ts";
import type { Work } from "./work.ts";
import type { WorkDeath } from "./work-death.ts";

export interface SupervisorOptions extends Omit<EngineLifecycleOptions, "observer"> {
  readonly observer: SupervisorObserver;
}

/** The scheduler. */
export interface SupervisorObserver {
  /** An engine is ready here. */
  ready(supervisor: Supervisor): void;
  /** A picture has ended here, so that another one may start. */
  idle(): void;
  /** Its device is missing: there will be no engine here. */
  unfit(supervisor: Supervisor, error: PlainError): void;
  /** The engine died, another one boots soon. What is not withdrawn now is started in it. */
  died(supervisor: Supervisor, death: WorkDeath): void;
  /** The last piece of work has left. */
  emptied(supervisor: Supervisor): void;
  /** The engine reports a change of a model, such as the end of its load. */
  modelChanged(supervisor: Supervisor, model: ModelInfo): void;
  /** The engine reports what it has done since its last report. */
  measured(supervisor: Supervisor, metrics: EngineMetrics): void;
}

/** Bytes of an engine process, and of the models that are loaded in it. */
export type EngineMemory = Pick<EngineMetrics, "resident_bytes" | "model_bytes">;
const NO_MEMORY: EngineMemory = { resident_bytes: 0, model_bytes: 0 };

export class Supervisor {
  readonly device: string;
  readonly #observer: SupervisorObserver;
  readonly #life: EngineLifecycle;
  readonly #placements: Placements;
  readonly #models = new EngineModels();
  readonly #questions = new EngineQuestions();
  #memory: EngineMemory = NO_MEMORY;

  constructor(options: SupervisorOptions) {
    this.device = options.engine.device;
    this.#observer = options.observer;
    this.#placements = new Placements({
      device: this.device,
      engine: () => this.#life.ready,
      delivered: () => this.history.delivered(),
      ended: () => this.#workEnded(),
    });
    this.#life = new EngineLifecycle({
      ...options,
      observer: {
        receive: (message) => this.#receive(message),
        ready: (engine) => this.#ready(engine),
        unfit: (error) => this.#unfit(error),
        died: (death, wasReady) => this.#died(death, wasReady),
        closed: () => this.#placements.endAll(),
      },
    });
  }

  get status(): EngineLifecycle["status"] {
    return this.#life.status;
  }
  /** False where there will be no engine any more. */
  get isUsable(): boolean {
    return this.status !== "unfit" && this.status !== "closed";
  }
  /** Of all engines that it has had. */
  get history(): RestartHistory {
    return this.#life.history;
  }
  get placements(): PlacementControl {
    return this.#placements;
  }
  get pid(): number | null {
    return this.#life.process?.pid ?? null;
  }
  get census(): EngineCensus | null {
    return this.#life.process?.census ?? null;
  }
  /** As of the engine's last report. */
  get memory(): EngineMemory {
    return this.#memory;
  }
  get models(): readonly ModelInfo[] {
    return this.#models.all;
  }

  /** Has the engine read its models again; settles when `models` has the answer, or the engine is gone. */
  async refreshModels(): Promise<void> {
    if (this.#life.ready !== null) await this.#models.refresh(this.#life.ready);
  }

  /** The engine's answer. Rejects with its error, or with `engine_unavailable` where there is no engine just now. */
  async ask(question: Question): Promise<unknown> {
    if (this.#life.ready === null) {
      throw new WorkerError("engine_unavailable", "the engine is not ready; try again");
    }
    return await this.#questions.ask(this.#life.ready, question);
  }

  /** As `ask`, for the pipeline of this stream. */
  async askPipeline(work: Work): Promise<PipelineDebug> {
    const number = this.#placements.numberOf(work) ?? 0;
    if (number === 0)
      throw new WorkerError("engine_unavailable", "no engine has begun with the stream");
    const answer = await this.ask({ kind: "pipeline", number });
    if (check(PipelineDebug).Check(answer)) return answer as PipelineDebug; // proven by Check
    throw new WorkerError("internal", "the engine's answer does not match its schema");
  }

  /** The native calls that the work is in. */
  callsOf(work: Work): ReturnType<EngineProcess["callsOf"]> {
    const number = this.#placements.numberOf(work);
    return number === undefined ? [] : (this.#life.process?.callsOf(number) ?? []);
  }

  /** Ends the engine for good, by force when `deadline` aborts; work that is still here ends. */
  async close(deadline: AbortSignal): Promise<void> {
    await this.#life.close(deadline);
  }

  #receive(message: FromEngine): void {
    switch (message.type) {
      case "ready":
        this.#models.replace(message.models);
        return;
      case "model":
        this.#models.put(message.model);
        this.#observer.modelChanged(this, message.model);
        return;
      case "models":
        this.#models.answered(message.number, message.models);
        return;
      case "answer":
        this.#questions.receive(message);
        return;
      case "metrics": {
        const { resident_bytes, model_bytes } = message.metrics;
        this.#memory = { resident_bytes, model_bytes };
        this.#observer.measured(this, message.metrics);
        return;
      }
      case "report":
        this.#placements.deliver(message.number, message.report);
        return;
      case "unfit": // the lifecycle acts on it
      case "hello":
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  #ready(engine: EngineProcess): void {
    this.#placements.handOver(engine);
    this.#observer.ready(this);
  }

  #unfit(error: PlainError): void {
    this.#placements.endAll(error);
    this.#observer.unfit(this, error);
  }

  #died(death: EngineDeath, wasReady: boolean): void {
    this.#memory = NO_MEMORY;
    this.#models.settle();
    this.#questions.giveUp();
    const blame = this.#placements.interrupt(death);
    this.#observer.died(this, { ...blame, why: death.why, wasReady });
  }

  #workEnded(): void {
    if (this.status === "closed") return;
    this.#observer.idle();
    if (this.#placements.size === 0) this.#observer.emptied(this);
  }
}
