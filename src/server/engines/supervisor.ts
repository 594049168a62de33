/** Supervises one engine: boots it, restarts it with back-off when it dies, and hands it all its work again. */
import { PipelineDebug } from "../../engine/protocol/debug.ts";
import type {
  EngineOptions,
  FromEngine,
  Question,
  WorkReport,
} from "../../engine/protocol/messages.ts";
import type { EngineMetrics } from "../../engine/protocol/metrics.ts";
import type { ModelInfo } from "../../engine/protocol/models.ts";
import { paramsUpdate } from "../../engine/protocol/params-update.ts";
import type { EngineCensus } from "../../engine/protocol/stats.ts";
import { type PlainError, WorkerError } from "../../errors.ts";
import { getLogger, logId } from "../../log.ts";
import { check } from "../../schema-check.ts";
import { EngineModels } from "./engine-models.ts";
import { type EngineCommand, type EngineDeath, EngineProcess } from "./engine-process.ts";
import { EngineQuestions } from "./engine-questions.ts";
import { type Placed, Placements, type WorkDeath } from "./placements.ts";
import { RestartHistory } from "./restart-history.ts";
import type { Work } from "./work.ts";

const log = getLogger("engine");

/** The engine itself cuts a stop short before that. Work that it still holds on to is left to it. */
const STOP_TIMEOUT_MS = 5000;

export interface SupervisorOptions extends EngineCommand {
  readonly engine: EngineOptions;
  /** Whether an engine was ever ready on this device: it exists, and its failure passes. */
  readonly isProven: () => boolean;
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

type State =
  | { status: "booting" | "ready"; process: EngineProcess; since: number }
  | { status: "waiting"; timer: Timer }
  | { status: "unfit" | "closed" };

export class Supervisor {
  /** Of all engines that it has had. */
  readonly history = new RestartHistory();
  readonly #options: SupervisorOptions;
  readonly #placed = new Placements();
  readonly #models = new EngineModels();
  readonly #questions = new EngineQuestions();
  #state: State;
  #repairTried = false;
  #memory: EngineMemory = NO_MEMORY;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#state = this.#boot();
  }

  get status(): State["status"] {
    return this.#state.status;
  }
  /** False where there will be no engine any more. */
  get isUsable(): boolean {
    return this.#state.status !== "unfit" && this.#state.status !== "closed";
  }
  get device(): string {
    return this.#options.engine.device;
  }
  get works(): readonly Work[] {
    return this.#placed.works;
  }
  get pid(): number | null {
    return "process" in this.#state ? this.#state.process.pid : null;
  }
  get census(): EngineCensus | null {
    return "process" in this.#state ? this.#state.process.census : null;
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
    if (this.#state.status === "ready") await this.#models.refresh(this.#state.process);
  }

  /** The engine's answer. Rejects with its error, or with `engine_unavailable` where there is no engine just now. */
  async ask(question: Question): Promise<unknown> {
    if (this.#state.status !== "ready") {
      throw new WorkerError("engine_unavailable", "the engine is not ready; try again");
    }
    return await this.#questions.ask(this.#state.process, question);
  }

  /** The native calls that the work is in. */
  callsOf(work: Work): ReturnType<EngineProcess["callsOf"]> {
    const placed = this.#placed.of(work);
    return placed && "process" in this.#state ? this.#state.process.callsOf(placed.number) : [];
  }

  /** As `ask`, for the pipeline of this stream. */
  async askPipeline(work: Work): Promise<PipelineDebug> {
    const number = this.#placed.of(work)?.number ?? 0;
    if (number === 0)
      throw new WorkerError("engine_unavailable", "no engine has begun with the stream");
    const answer = await this.ask({ kind: "pipeline", number });
    if (check(PipelineDebug).Check(answer)) return answer as PipelineDebug; // proven by Check
    throw new WorkerError("internal", "the engine's answer does not match its schema");
  }

  /** Without an engine just now, the work starts when the next one is ready. */
  start(work: Work): void {
    const placed = this.#placed.add(work);
    if (this.#state.status === "ready") this.#sendStart(this.#state.process, placed);
  }

  /** Hands over a stream's parameters; an engine that boots gets them with the start. */
  update(work: Work): void {
    const order = work.order();
    const placed = this.#placed.of(work);
    if (this.#state.status !== "ready" || order.kind !== "stream" || !placed?.params) return;
    const update = paramsUpdate(order.params, placed.params);
    placed.params = order.params;
    const { revision } = order;
    this.#state.process.send({ type: "update", number: placed.number, revision, ...update });
  }

  /** `ended` follows within 5 s. An engine that holds on to the work longer is left alone: it finishes in the background. */
  stop(work: Work): void {
    const placed = this.#placed.of(work);
    if (placed === undefined || placed.stopTimer !== null) return;
    if (this.#state.status !== "ready") {
      this.#lose(placed);
      return;
    }
    this.#state.process.send({ type: "stop", number: placed.number });
    placed.stopTimer = setTimeout(() => {
      log.warn("work did not stop in time; it finishes in the background", {
        stream: logId(work.id),
        device: this.device,
      });
      this.#lose(placed);
    }, STOP_TIMEOUT_MS);
  }

  /** Takes work away between two engines, without a report. */
  withdraw(work: Work): void {
    const placed = this.#placed.of(work);
    if (placed !== undefined) this.#placed.remove(placed);
  }

  /** Ends work here and now, between two engines. */
  fail(work: Work, error: PlainError): void {
    const placed = this.#placed.of(work);
    if (placed !== undefined) this.#lose(placed, error);
  }

  /** Ends the engine for good, by force when `deadline` aborts; work that is still here ends. */
  async close(deadline: AbortSignal): Promise<void> {
    const state = this.#state;
    this.#state = { status: "closed" };
    if (state.status === "waiting") clearTimeout(state.timer);
    if ("process" in state) await state.process.end(deadline);
    for (const placed of this.#placed.all) this.#lose(placed);
  }

  #boot(): State {
    const process = new EngineProcess({
      ...this.#options,
      bootMs: this.history.bootMs,
      receive: (message) => this.#receive(process, message),
      gone: (death) => this.#gone(death),
    });
    log.info("engine starts", { device: this.device, pid: process.pid });
    return { status: "booting", process, since: performance.now() };
  }

  #receive(process: EngineProcess, message: FromEngine): void {
    switch (message.type) {
      case "ready":
        this.#models.replace(message.models);
        if (this.#state.status !== "booting") return;
        this.#state = { ...this.#state, status: "ready" };
        this.history.ready();
        log.info("engine ready", { device: this.device, pid: process.pid });
        for (const placed of this.#placed.all) this.#sendStart(process, placed);
        this.#options.observer.ready(this);
        return;
      case "unfit":
        if (this.#state.status !== "booting") return;
        if (this.#options.isProven()) {
          process.kill(`its device cannot be used: ${message.error.message}`);
          return;
        }
        void this.#unfit(process, message.error);
        return;
      case "model":
        this.#models.put(message.model);
        this.#options.observer.modelChanged(this, message.model);
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
        this.#options.observer.measured(this, message.metrics);
        return;
      }
      case "report":
        this.#deliver(message.number, message.report);
        return;
      case "hello":
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  /** Its device is missing, unless damaged libraries were the reason. */
  async #unfit(process: EngineProcess, error: PlainError): Promise<void> {
    const repaired = await this.#repair();
    if (this.#state.status !== "booting" || this.#state.process !== process) return;
    if (repaired) {
      process.kill("its native libraries were damaged, and are replaced");
      return;
    }
    this.#state = { status: "unfit" };
    process.kill("its device is missing");
    for (const placed of this.#placed.all) this.#lose(placed, error);
    this.#options.observer.unfit(this, error);
  }

  /** True if files that engines load were replaced. Only the first call does something. */
  async #repair(): Promise<boolean> {
    if (this.#repairTried) return false;
    this.#repairTried = true;
    const replaced = await this.#options.repair?.();
    return replaced !== undefined && replaced.length > 0;
  }

  #deliver(number: number, report: WorkReport): void {
    const placed = this.#placed.numbered(number);
    if (placed === undefined) return; // it was left to finish in the background
    if (report.type === "ended") {
      this.#finish(placed, (work) => work.receive(report));
      return;
    }
    // The second checkpoint means that a whole segment was made: engines that die of a stream begin a first one, too.
    const delivered =
      report.type === "made" || (report.type === "checkpoint" && ++placed.segments === 2);
    if (delivered) this.history.delivered();
    placed.work.receive(report);
  }

  #gone(death: EngineDeath): void {
    if (!("process" in this.#state)) return;
    const { why } = death;
    const { status, since, process } = this.#state;
    const wasReady = status === "ready";
    const delay = this.history.died({ livedMs: performance.now() - since, wasReady });
    log.error("engine died; starting another one", {
      device: this.device,
      pid: process.pid,
      why,
      delay_ms: delay,
    });
    this.#memory = NO_MEMORY;
    this.#models.settle();
    this.#questions.giveUp();
    const again = async () => {
      if (!wasReady) await this.#repair();
      if (this.#state.status === "waiting") this.#state = this.#boot();
    };
    this.#state = { status: "waiting", timer: setTimeout(() => void again(), delay) };
    for (const placed of this.#placed.all) if (placed.stopTimer !== null) this.#lose(placed);
    const blame = this.#placed.interrupt(death);
    this.#options.observer.died(this, { ...blame, why, wasReady });
  }

  /** Ends work that no engine will report as ended. */
  #lose(placed: Placed, error?: PlainError): void {
    this.#finish(placed, (work) => work.lost(error));
  }

  #finish(placed: Placed, end: (work: Work) => void): void {
    this.#placed.remove(placed);
    end(placed.work);
    if (this.#state.status === "closed") return;
    this.#options.observer.idle();
    if (this.#placed.size === 0) this.#options.observer.emptied(this);
  }

  #sendStart(process: EngineProcess, placed: Placed): void {
    const { id } = placed.work;
    placed.work.handedTo({ device: this.device, pid: process.pid });
    const order = placed.work.order();
    const number = this.#placed.sent(placed, order);
    process.send({ type: "start", id, number, order });
  }
}
