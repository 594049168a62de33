/** Decides which engine runs which work: shares it among the engines of all devices, and answers questions about them. */
import type { PipelineDebug } from "../../engine/protocol/debug.ts";
import type { EngineOptions, Question } from "../../engine/protocol/messages.ts";
import type { EngineMetrics } from "../../engine/protocol/metrics.ts";
import type { ImageResult } from "../../engine/protocol/work.ts";
import { type PlainError, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { Availability } from "./availability.ts";
import { EnginePool } from "./engine-pool.ts";
import type { EngineCommand } from "./engine-process.ts";
import { type EngineView, engineView } from "./engine-view.ts";
import { type ImageObserver, ImageQueue } from "./image-queue.ts";
import type { ImageRequest } from "./image-work.ts";
import { ModelList } from "./model-list.ts";
import { Recovery, type RecoveryObserver } from "./recovery.ts";
import { Supervisor, type SupervisorObserver } from "./supervisor.ts";
import type { Work } from "./work.ts";
import type { DeathCause, WorkDeath } from "./work-death.ts";

const log = getLogger("engine");

export interface EngineSchedulerOptions extends EngineCommand {
  readonly devices: readonly string[];
  /** Shared engines per device. */
  readonly engines: number;
  /** Used in place of a device that was found, not asked for, and does not work. */
  readonly fallback: "cpu" | null;
  readonly engine: Omit<EngineOptions, "device">;
  /** Counts what happens. */
  readonly observer?: EngineObserver;
}

export interface EngineObserver extends ImageObserver, RecoveryObserver {
  /** An engine of this device reports what it has done since its last report. */
  measured(device: string, metrics: EngineMetrics): void;
  /** An engine of this device died. */
  died(device: string, cause: DeathCause): void;
}

export class EngineScheduler {
  readonly #options: EngineSchedulerOptions;
  readonly #observer: SupervisorObserver = {
    ready: (supervisor) => {
      this.#availability.engineReady(supervisor);
      this.#images.serve();
    },
    idle: () => this.#images.serve(),
    unfit: (supervisor, error) => this.#lostDevice(supervisor, error),
    died: (supervisor, death) => this.#engineDied(supervisor, death),
    emptied: (supervisor) => this.#recovery.emptied(supervisor),
    modelChanged: (supervisor, model) => this.models.changed(supervisor, model),
    measured: ({ device }, metrics) => this.#options.observer?.measured(device, metrics),
  };
  /** Of all engines. */
  readonly models: ModelList;
  readonly #pool: EnginePool;
  readonly #availability: Availability;
  readonly #images: ImageQueue;
  readonly #recovery: Recovery;
  readonly #homes = new WeakMap<Work, Supervisor>();

  constructor(options: EngineSchedulerOptions) {
    const { engines, observer } = options;
    const place = (work: Work, home: Supervisor): void => this.#place(work, home);
    this.#options = options;
    const pool = new EnginePool({
      engines,
      make: (device) => this.#supervisorOn(device),
      isReserved: (supervisor) => this.#recovery.isReserved(supervisor),
    });
    this.#pool = pool;
    this.#availability = new Availability(pool.all);
    this.models = new ModelList(pool.all, this.#availability);
    this.#images = new ImageQueue({ pool, place, stop: (work) => this.stop(work), observer });
    this.#recovery = new Recovery({
      pool,
      place,
      start: (work) => this.start(work),
      freed: () => this.#images.serve(),
      observer,
    });
  }

  /** Starts the engines. Called once the server has its port: a server that cannot listen starts nothing. */
  boot(): void {
    for (const device of this.#options.devices)
      for (let n = 0; n < this.#options.engines; n++) this.#pool.add(device);
  }

  /** See `Availability`, also for the next four. */
  get unfit(): Promise<PlainError> {
    return this.#availability.deviceMissing;
  }
  get state(): Availability["state"] {
    return this.#availability.state;
  }
  get workingDevices(): readonly string[] {
    return this.#availability.workingDevices;
  }
  get changed(): Promise<void> {
    return this.#availability.changed;
  }
  async ready(timeoutMs: number): Promise<void> {
    await this.#availability.waitUntilReady(timeoutMs);
  }

  /** Pictures that wait for an engine. */
  get waitingImages(): number {
    return this.#images.waiting;
  }

  get engines(): readonly EngineView[] {
    return [...this.#pool.all].map((one) => this.#viewOf(one));
  }

  /**
   * The answer of the engine that has the work, or of any that is ready. Rejects with its error, or with
   * `engine_unavailable` where none is ready.
   */
  async ask(question: Question, work: Work | null = null): Promise<unknown> {
    const home = work === null ? undefined : this.#homes.get(work);
    const ready = home?.status === "ready" ? home : [...this.#pool.all].find(isReady);
    if (ready === undefined)
      throw new WorkerError("engine_unavailable", "no engine is ready; try again");
    return await ready.ask(question);
  }

  /** The engine that has the work, and the native calls that the work is in. */
  inspect(work: Work) {
    const home = this.#homes.get(work);
    if (home === undefined || !home.placements.works.includes(work))
      return { engine: null, calls: [] };
    const { live: _census, memory: _memory, ...engine } = this.#viewOf(home);
    const calls = home
      .callsOf(work)
      .map(({ call, ageMs }) => ({ kind: call.kind, for_ms: ageMs, allowed_ms: call.allowedMs }));
    return { engine, calls };
  }

  /** The state of a stream's pipeline. Rejects where no engine has it or its engine does not answer until `signal` aborts. */
  async askPipeline(work: Work, signal: AbortSignal): Promise<PipelineDebug> {
    const home = this.#homes.get(work);
    const asked = home && (await untilAborted(home.askPipeline(work), signal));
    if (asked) return asked;
    throw new WorkerError("engine_unavailable", "the engine does not answer");
  }

  /**
   * Gives the work to the shared engine with the least. Its reports follow, `ended` last. Throws `engine_unavailable`
   * where no engine can run.
   */
  start(work: Work): void {
    const home = this.#pool.leastLoaded(isReady) ?? this.#pool.leastLoaded();
    this.#place(work, home ?? this.#pool.addShared());
  }

  update(work: Work): void {
    this.#homes.get(work)?.placements.update(work);
  }

  /** The work gets its `ended` within 5 s. */
  stop(work: Work): void {
    this.#homes.get(work)?.placements.stop(work);
  }

  /**
   * Makes one picture. An engine makes one at a time, in the order they were asked for. If the engine dies, the picture
   * is made again by another one, which runs nothing else. Throws what the engine refuses it for, the reason of the
   * request's signal, or an error after two engines have died of it.
   */
  makeImage(request: ImageRequest): Promise<ImageResult> {
    return this.#images.make(request);
  }

  /** Ends all engines, by force when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    await this.#pool.close(deadline);
  }

  #viewOf(supervisor: Supervisor): EngineView {
    return engineView(supervisor, this.#recovery.isReserved(supervisor));
  }

  #lostDevice(supervisor: Supervisor, error: PlainError): void {
    const { fallback } = this.#options;
    const { device } = supervisor;
    this.#availability.engineChanged();
    if (fallback === null || device === fallback) {
      this.#availability.fail(error);
      return;
    }
    log.warn("detected device cannot be used", { device, error: error.message });
    if (![...this.#pool.all].some(({ isUsable }) => isUsable)) this.#pool.add(fallback);
  }

  #engineDied(supervisor: Supervisor, death: WorkDeath): void {
    this.models.loads.died(supervisor);
    this.#availability.engineChanged();
    this.#options.observer?.died(supervisor.device, death.cause);
    this.#recovery.died(supervisor, death);
  }

  #place(work: Work, home: Supervisor): void {
    this.#homes.set(work, home);
    home.placements.start(work);
  }

  #supervisorOn(device: string): Supervisor {
    return new Supervisor({
      ...this.#options,
      engine: { ...this.#options.engine, device },
      isProven: () => this.#availability.isProven(device),
      observer: this.#observer,
    });
  }
}

const isReady = ({ status }: Supervisor): boolean => status === "ready";
