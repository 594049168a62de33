/** Hides how many engines there are and which of them runs a stream. */
import type { EngineOptions } from "../../engine/protocol/messages.ts";
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { ImageResult } from "../../engine/protocol/work.ts";
import { type PlainError, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { EngineDied, type ImageOrder } from "./engine-job.ts";
import type { EngineCommand } from "./engine-process.ts";
import type { PlacedStream } from "./placed-stream.ts";
import { EngineSupervisor } from "./supervisor.ts";

const log = getLogger("engine");

/** So many engines in a row that died young, and a device counts as broken. */
const MAX_SHORT_LIVES = 5;
const REFRESH_TIMEOUT_MS = 1000;

export interface EngineSchedulerOptions extends EngineCommand {
  readonly devices: readonly string[];
  /** Engines a device. */
  readonly engines: number;
  /** For devices that were found and not asked for: taken in place of one that turns out unfit. */
  readonly fallback: "cpu" | null;
  readonly engine: Omit<EngineOptions, "device">;
}

/** One engine as `/health` shows it. */
export interface EngineView {
  readonly device: string;
  readonly state: EngineSupervisor["status"];
  readonly pid: number | null;
  readonly restarts: number;
  readonly streams: number;
  readonly live: EngineSupervisor["census"];
}

export class EngineScheduler {
  readonly #options: EngineSchedulerOptions;
  readonly #slots: EngineSupervisor[] = [];
  readonly #homes = new WeakMap<PlacedStream, EngineSupervisor>();
  readonly #unfit = Promise.withResolvers<PlainError>();
  /** Who waits for an engine. */
  readonly #waiting = new Set<() => void>();
  /** Jobs that wait for a free engine, first come first served. */
  readonly #jobs: ((slot: EngineSupervisor) => void)[] = [];
  readonly #firstReady = Promise.withResolvers<void>();
  #wasReady = false;

  constructor(options: EngineSchedulerOptions) {
    this.#options = options;
  }

  /** Starts the engines. Once, when the server has its port: one that cannot listen starts nothing. */
  boot(): void {
    for (const device of this.#options.devices)
      for (let n = 0; n < this.#options.engines; n++) this.#add(device);
  }

  /** Settles with the reason when an asked-for device is missing: the server cannot serve. */
  get unfit(): Promise<PlainError> {
    return this.#unfit.promise;
  }
  /** Resolves once an engine has been ready; perhaps never. */
  get firstReady(): Promise<void> {
    return this.#firstReady.promise;
  }

  /** `loading` until an engine was ready once; `broken` while no engine runs and none could be kept. */
  get state(): "loading" | "ready" | "broken" {
    if (this.#slots.some((slot) => slot.status === "ready")) return "ready";
    if (this.#slots.length === 0) return "loading";
    const failing = this.#slots.every(
      (slot) => slot.shortLives >= MAX_SHORT_LIVES || !isUsable(slot),
    );
    return failing ? "broken" : this.#wasReady ? "ready" : "loading";
  }

  get engines(): readonly EngineView[] {
    return this.#slots.map((slot) => ({
      device: slot.device,
      state: slot.status,
      pid: slot.pid,
      restarts: slot.restarts,
      streams: slot.load,
      live: slot.census,
    }));
  }

  /** Every model of every engine, by name; of several engines the one that knows most speaks. */
  models(): readonly ModelInfo[] {
    const rank = { ready: 0, warming: 1, failed: 2, cold: 3 } as const;
    const byName = new Map<string, ModelInfo>();
    for (const model of this.#slots.flatMap((slot) => slot.models)) {
      const known = byName.get(model.name);
      if (known === undefined || rank[model.state] < rank[known.state])
        byName.set(model.name, model);
    }
    return [...byName.values()];
  }

  /** `models()`, after the engines have read their folders again; an engine has a second for it. */
  async freshModels(): Promise<readonly ModelInfo[]> {
    const all = Promise.all(this.#slots.map((slot) => slot.refreshModels()));
    await untilAborted(all, AbortSignal.timeout(REFRESH_TIMEOUT_MS));
    return this.models();
  }

  /** What `use` makes of the models; if it throws `unknown_model`, once more with those that came since. */
  async withModels<T>(use: (models: readonly ModelInfo[]) => T): Promise<T> {
    try {
      return use(this.models());
    } catch (error) {
      if (!(error instanceof WorkerError) || error.kind !== "unknown_model") throw error;
      return use(await this.freshModels());
    }
  }

  /** Waits for an engine that takes streams. Throws `engine_unavailable` after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    if (this.#slots.some((slot) => slot.status === "ready")) return;
    const ready = Promise.withResolvers<void>();
    this.#waiting.add(ready.resolve);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const message = `no engine was ready within ${timeoutMs} ms; see the log or run doctor`;
      late.reject(new WorkerError("engine_unavailable", message));
    }, timeoutMs);
    try {
      await Promise.race([late.promise, ready.promise]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(ready.resolve);
    }
  }

  /** Gives the stream to the engine with the fewest. It hears `started` or `ended`. */
  start(stream: PlacedStream): void {
    const usable = this.#slots.filter(isUsable);
    const ready = usable.filter((slot) => slot.status === "ready");
    const [best] = (ready.length > 0 ? ready : usable).sort((a, b) => a.load - b.load);
    if (best === undefined)
      throw new WorkerError("engine_unavailable", "no engine can run here; see the log");
    this.#homes.set(stream, best);
    best.start(stream);
  }

  update(stream: PlacedStream): void {
    this.#homes.get(stream)?.update(stream);
  }

  /** The stream hears `ended` within 5 s. */
  stop(stream: PlacedStream): void {
    this.#homes.get(stream)?.stop(stream.id);
  }

  /**
   * One picture, in turn with those of others: an engine makes one at a time. If its engine dies it is made once
   * more by the next; then throws `engine_unavailable`. Throws what the engine does, and the signal's reason.
   */
  async makeImage(order: ImageOrder): Promise<ImageResult> {
    try {
      return await this.#inTurn("last", order);
    } catch (error) {
      if (!(error instanceof EngineDied)) throw error;
      log.warn("the engine of a job died, the next one tries", { error: error.message });
      return await this.#inTurn("first", order);
    }
  }

  /** Ends all engines, by force when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.close(deadline)));
  }

  async #inTurn(place: "first" | "last", order: ImageOrder): Promise<ImageResult> {
    const { signal } = order;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ImageResult>();
    const begin = (slot: EngineSupervisor) => resolve(slot.make(order));
    const leave = () => {
      const at = this.#jobs.indexOf(begin);
      if (at >= 0) this.#jobs.splice(at, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    if (place === "first") this.#jobs.unshift(begin);
    else this.#jobs.push(begin);
    this.#serve();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** Gives waiting jobs to free engines, those with the fewest streams first. */
  #serve(): void {
    for (let [begin] = this.#jobs; begin !== undefined; [begin] = this.#jobs) {
      const [slot] = this.#slots.filter(({ free }) => free).sort((a, b) => a.load - b.load);
      if (slot === undefined) return;
      this.#jobs.shift();
      begin(slot);
    }
  }

  #add(device: string): void {
    const slot = new EngineSupervisor({
      ...this.#options,
      engine: { ...this.#options.engine, device },
      ready: () => this.#welcome(),
      idle: () => this.#serve(),
      unfit: (error) => this.#lost(device, error),
    });
    this.#slots.push(slot);
  }

  #welcome(): void {
    this.#wasReady = true;
    this.#firstReady.resolve();
    for (const resolve of this.#waiting) resolve();
    this.#serve();
  }

  #lost(device: string, error: PlainError): void {
    const { fallback } = this.#options;
    if (fallback === null || device === fallback) {
      this.#unfit.resolve(error);
      return;
    }
    log.warn("found device cannot be used", { device, error: error.message });
    if (!this.#slots.some(isUsable)) this.#add(fallback);
  }
}

const isUsable = (slot: EngineSupervisor): boolean =>
  slot.status !== "unfit" && slot.status !== "closed";
