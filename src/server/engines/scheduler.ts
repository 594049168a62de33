/** Decides which engine runs which work: shares it among the engines, and isolates work that an engine may have died of. */
import type { PipelineDebug } from "../../engine/protocol/debug.ts";
import type { EngineOptions, Question } from "../../engine/protocol/messages.ts";
import type { EngineMetrics } from "../../engine/protocol/metrics.ts";
import type { ImageResult } from "../../engine/protocol/work.ts";
import { type PlainError, WorkerError } from "../../errors.ts";
import { getLogger, logId } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { Availability } from "./availability.ts";
import { EnginePool } from "./engine-pool.ts";
import type { EngineCommand } from "./engine-process.ts";
import { ImageQueue } from "./image-queue.ts";
import { type ImageRequest, ImageWork } from "./image-work.ts";
import { ModelList } from "./model-list.ts";
import { Probation } from "./probation.ts";
import { type EngineMemory, Supervisor, type SupervisorObserver } from "./supervisor.ts";
import type { Work } from "./work.ts";
import type { DeathCause, WorkDeath } from "./work-death.ts";

const log = getLogger("engine");

/** An engine that fails to start this often in a row gives its work to others. */
const MAX_FAILED_BOOTS = 3;

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

/** `given_up`: its caller left, or its time was over. */
export const IMAGE_OUTCOMES = ["made", "failed", "given_up"] as const;
export type ImageOutcome = (typeof IMAGE_OUTCOMES)[number];

export interface EngineObserver {
  /** A picture was made or not, this long after it was asked for. */
  imageEnded(outcome: ImageOutcome, ms: number): void;
  /** An engine of this device reports what it has done since its last report. */
  measured(device: string, metrics: EngineMetrics): void;
  /** An engine of this device died. */
  died(device: string, cause: DeathCause): void;
  /** A piece of work runs alone from now on, since an engine may have died of it. */
  isolated(): void;
  /** A piece of work was ended because its engines died of it. */
  convicted(): void;
}

/** One engine as `/health` shows it. */
export interface EngineView {
  readonly device: string;
  readonly state: Supervisor["status"];
  /** True while it runs a single piece of work that an engine may have died of. */
  readonly isolated: boolean;
  readonly pid: number | null;
  readonly restarts: number;
  /** Streams and pictures that it runs. */
  readonly streams: number;
  readonly live: Supervisor["census"];
  readonly memory: EngineMemory;
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
    emptied: (supervisor) => this.#emptied(supervisor),
    modelChanged: (supervisor, model) => this.models.changed(supervisor, model),
    measured: ({ device }, metrics) => this.#options.observer?.measured(device, metrics),
  };
  readonly #probation = new Probation();
  readonly #pool = new EnginePool({
    engines: () => this.#options.engines,
    make: (device) => this.#supervisorOn(device),
    isReserved: (supervisor) => this.#probation.holds(supervisor),
  });
  readonly #availability = new Availability(this.#pool.all);
  /** Of all engines. */
  readonly models = new ModelList(this.#pool.all);
  readonly #homes = new WeakMap<Work, Supervisor>();
  readonly #images = new ImageQueue({
    start: (work) => this.#startImage(work),
    stop: (work) => this.stop(work),
  });

  constructor(options: EngineSchedulerOptions) {
    this.#options = options;
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
    const ready =
      home?.status === "ready"
        ? home
        : [...this.#pool.all].find(({ status }) => status === "ready");
    if (ready === undefined)
      throw new WorkerError("engine_unavailable", "no engine is ready; try again");
    return await ready.ask(question);
  }

  /** The engine that has the work, and the native calls that the work is in. */
  inspect(work: Work) {
    const home = this.#homes.get(work);
    if (home === undefined || !home.works.includes(work)) return { engine: null, calls: [] };
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
    const usable = this.#pool.open;
    const ready = usable.filter(({ status }) => status === "ready");
    const [best] = byLoad(ready.length > 0 ? ready : usable);
    this.#place(work, best ?? this.#pool.addShared());
  }

  update(work: Work): void {
    this.#homes.get(work)?.update(work);
  }

  /** The work gets its `ended` within 5 s. */
  stop(work: Work): void {
    this.#homes.get(work)?.stop(work);
  }

  /**
   * Makes one picture. An engine makes one at a time, in the order they were asked for. If the engine dies, the picture
   * is made again by another one, which runs nothing else. Throws what the engine refuses it for, the reason of the
   * request's signal, or an error after two engines have died of it.
   */
  async makeImage(request: ImageRequest): Promise<ImageResult> {
    const begun = performance.now();
    const ended = (outcome: ImageOutcome): void =>
      this.#options.observer?.imageEnded(outcome, performance.now() - begun);
    try {
      const result = await this.#images.make(request);
      ended("made");
      return result;
    } catch (error) {
      ended(request.signal.aborted ? "given_up" : "failed");
      throw error;
    }
  }

  /** Ends all engines, by force when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    await this.#pool.close(deadline);
  }

  #viewOf(one: Supervisor): EngineView {
    return {
      device: one.device,
      state: one.status,
      isolated: this.#probation.holds(one),
      pid: one.pid,
      restarts: one.history.restarts,
      streams: one.works.length,
      live: one.census,
      memory: one.memory,
    };
  }

  #startImage(work: ImageWork): boolean {
    const isFree = ({ status, works }: Supervisor) => status === "ready" && !works.some(isImage);
    const [best] = byLoad(this.#pool.open.filter(isFree));
    if (best !== undefined) this.#place(work, best);
    return best !== undefined;
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
    if (supervisor.history.failedBoots >= MAX_FAILED_BOOTS) this.#rehouse(supervisor);
    const suspects = this.#probation.suspects(supervisor, death);
    const convicted = this.#probation.convicted(supervisor, death);
    this.#probation.restart(supervisor);
    for (const { work, error } of convicted) {
      log.error("work ended: its engine died repeatedly while running it alone", {
        stream: logId(work.id),
        error: error.message,
      });
      this.#options.observer?.convicted();
      supervisor.fail(work, error);
    }
    for (const { work, why } of suspects) {
      log.warn("isolated after its engine died", { stream: logId(work.id), why });
      this.#options.observer?.isolated();
      const isAlone = supervisor.works.length === 1;
      if (!isAlone) supervisor.withdraw(work);
      const home = isAlone ? supervisor : this.#pool.add(supervisor.device);
      this.#probation.admit(home, work);
      if (!isAlone) this.#place(work, home);
    }
    this.#pool.refill(supervisor.device);
  }

  #emptied(supervisor: Supervisor): void {
    this.#probation.release(supervisor);
    if (supervisor.isUsable && !this.#pool.discardSurplus(supervisor)) this.#images.serve();
  }

  /**
   * Gives the work of an engine that fails to start to those that run on its device: it has no room for one more. Where
   * they are all reserved for suspects, one of these is acquitted.
   */
  #rehouse(supervisor: Supervisor): void {
    const isNeighbour = (one: Supervisor) =>
      one.device === supervisor.device && one.status === "ready";
    const ready = [...this.#pool.all].filter(isNeighbour);
    const { works } = supervisor;
    if (ready[0] === undefined || works.length === 0) return;
    log.warn("engine does not start; its work moves to another one", { device: supervisor.device });
    if (ready.every((one) => this.#probation.holds(one))) this.#probation.release(ready[0]);
    for (const work of works) supervisor.withdraw(work);
    this.#emptied(supervisor);
    for (const work of works) this.start(work);
  }

  #place(work: Work, home: Supervisor): void {
    this.#homes.set(work, home);
    home.start(work);
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

const isImage = (work: Work): boolean => work instanceof ImageWork;
const byLoad = (supervisors: readonly Supervisor[]): Supervisor[] =>
  supervisors.toSorted((a, b) => a.works.length - b.works.length);
