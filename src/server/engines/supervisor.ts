/** Hides that engines die: one place on a device where there is always an engine again, with every live stream. */

import type { EngineOptions, FromEngine } from "../../engine/protocol/messages.ts";
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { EngineCensus } from "../../engine/protocol/stats.ts";
import type { ImageResult } from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { EngineJob, type ImageOrder } from "./engine-job.ts";
import { EngineModels } from "./engine-models.ts";
import { type EngineCommand, EngineProcess } from "./engine-process.ts";
import type { PlacedStream, StreamMessage } from "./placed-stream.ts";

const log = getLogger("engine");

const FIRST_BACK_OFF_MS = 100;
const LAST_BACK_OFF_MS = 10_000;
/** An engine that lived this long was well: the next back-off is short again. */
const WELL_AFTER_MS = 30_000;
const STOP_TIMEOUT_MS = 5000;
/** A stream that saw this many engines die within the window, and made no segment between, is given up. */
const MAX_DEATHS = 5;
const DEATH_WINDOW_MS = 60_000;

export interface EngineSupervisorOptions extends EngineCommand {
  readonly engine: EngineOptions;
  /** Each time an engine is ready here. */
  readonly ready: () => void;
  /** Each time an engine here has done a job. */
  readonly idle: () => void;
  /** Its device is missing: there will be no engine here. */
  readonly unfit: (error: PlainError) => void;
}

interface Placed {
  readonly stream: PlacedStream;
  /** When engines died under it since it last got on. */
  readonly deaths: number[];
  /** Segments begun in this engine's life. */
  segments: number;
  stopTimer: Timer | null;
}

type State =
  | { status: "booting" | "ready"; process: EngineProcess; since: number }
  | { status: "waiting"; timer: Timer }
  | { status: "unfit" | "closed" };

export class EngineSupervisor {
  readonly #options: EngineSupervisorOptions;
  readonly #streams = new Map<string, Placed>();
  readonly #models = new EngineModels();
  #state: State;
  /** At most one: two would have twice the memory and be no sooner done. */
  #job: EngineJob | null = null;
  #shortLives = 0;
  #restarts = 0;

  constructor(options: EngineSupervisorOptions) {
    this.#options = options;
    this.#state = this.#boot();
  }

  get status(): State["status"] {
    return this.#state.status;
  }
  get device(): string {
    return this.#options.engine.device;
  }
  get load(): number {
    return this.#streams.size;
  }
  /** Whether `make` may be called. */
  get free(): boolean {
    return this.#state.status === "ready" && this.#job === null;
  }
  get restarts(): number {
    return this.#restarts;
  }
  /** Engines in a row that died young; an engine that is well for a while makes it none. */
  get shortLives(): number {
    return this.#shortLives;
  }
  get pid(): number | null {
    return "process" in this.#state ? this.#state.process.pid : null;
  }
  get census(): EngineCensus | null {
    return "process" in this.#state ? this.#state.process.census : null;
  }
  get models(): readonly ModelInfo[] {
    return this.#models.all;
  }

  /** Has the engine read its models again; settles when `models` has the answer, or the engine is gone. */
  async refreshModels(): Promise<void> {
    if (this.#state.status === "ready") await this.#models.refresh(this.#state.process);
  }

  /** Without an engine just now, the stream starts when the next is ready. */
  start(stream: PlacedStream): void {
    const placed: Placed = { stream, deaths: [], segments: 0, stopTimer: null };
    this.#streams.set(stream.id, placed);
    if (this.#state.status === "ready") this.#sendStart(this.#state.process, placed);
  }

  /** Hands over `stream.params`; an engine that boots gets them with the start. */
  update(stream: PlacedStream): void {
    if (this.#state.status !== "ready") return;
    this.#state.process.send({ type: "update", id: stream.id, params: stream.params });
  }

  /** `ended` follows within 5 s: an engine that does not answer is killed, and its other streams are taken up anew. */
  stop(id: string): void {
    const placed = this.#streams.get(id);
    if (placed === undefined || placed.stopTimer !== null) return;
    if (this.#state.status !== "ready") {
      this.#finish(placed);
      return;
    }
    const { process } = this.#state;
    process.send({ type: "stop", id });
    placed.stopTimer = setTimeout(() => process.kill("did not stop a stream"), STOP_TIMEOUT_MS);
  }

  /** What its engine answers. Throws EngineDied when it dies of it, or during it; the signal's reason on abort. */
  make(order: ImageOrder): Promise<ImageResult> {
    if (this.#state.status !== "ready") throw new Error("no engine to make an image");
    const job = new EngineJob(this.#state.process, order);
    this.#job = job;
    return job.result;
  }

  /** Ends the engine for good, by force when `deadline` aborts; streams still here end. */
  async close(deadline: AbortSignal): Promise<void> {
    const state = this.#state;
    this.#state = { status: "closed" };
    if (state.status === "waiting") clearTimeout(state.timer);
    if ("process" in state) await state.process.end(deadline);
    this.#job?.lost("the server ends");
    for (const placed of this.#streams.values()) this.#finish(placed);
  }

  #boot(): State {
    const process = new EngineProcess({
      ...this.#options,
      receive: (message) => this.#receive(process, message),
      gone: (why) => this.#gone(why),
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
        log.info("engine ready", { device: this.device, pid: process.pid });
        for (const placed of this.#streams.values()) this.#sendStart(process, placed);
        this.#options.ready();
        return;
      case "unfit":
        this.#state = { status: "unfit" };
        process.kill("is unfit");
        for (const placed of this.#streams.values()) this.#finish(placed, message.error);
        this.#options.unfit(message.error);
        return;
      case "model":
        this.#models.put(message.model);
        return;
      case "models":
        this.#models.replace(message.models);
        return;
      case "step":
        this.#job?.began(message);
        return;
      case "image":
        this.#job?.receive(message);
        this.#job = null;
        this.#options.idle();
        return;
      case "hello":
      case "pong":
        return;
      default:
        this.#deliver(message);
    }
  }

  #deliver(message: StreamMessage): void {
    const placed = this.#streams.get(message.id);
    if (placed === undefined) return;
    if (message.type === "ended") this.#finish(placed, message.error);
    else {
      // A second one means that a whole segment was made: the first is begun by engines that die of it, too.
      if (message.type === "checkpoint" && ++placed.segments === 2) placed.deaths.length = 0;
      placed.stream.receive(message);
    }
  }

  #gone(why: string): void {
    if (!("process" in this.#state)) return;
    const lived = performance.now() - this.#state.since;
    this.#shortLives = lived < WELL_AFTER_MS ? this.#shortLives + 1 : 1;
    const delay = Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.#shortLives - 1));
    log.error("engine is gone, another starts", { device: this.device, why, delay_ms: delay });
    this.#restarts++;
    this.#job?.lost(why);
    this.#job = null;
    this.#models.settle();
    const again = () => {
      this.#state = this.#boot();
    };
    this.#state = { status: "waiting", timer: setTimeout(again, delay) };
    for (const placed of this.#streams.values()) this.#interrupt(placed, why);
  }

  #interrupt(placed: Placed, why: string): void {
    if (placed.stopTimer !== null) {
      this.#finish(placed);
      return;
    }
    const now = performance.now();
    placed.deaths.push(now);
    while (now - (placed.deaths[0] ?? now) > DEATH_WINDOW_MS) placed.deaths.shift();
    if (placed.deaths.length < MAX_DEATHS) placed.stream.interrupted();
    else {
      const message = `its engine died ${MAX_DEATHS} times without a segment between, last: ${why}`;
      this.#finish(placed, { kind: "engine_unavailable", message });
    }
  }

  #finish(placed: Placed, error?: PlainError): void {
    if (placed.stopTimer !== null) clearTimeout(placed.stopTimer);
    this.#streams.delete(placed.stream.id);
    placed.stream.receive({ type: "ended", id: placed.stream.id, ...(error ? { error } : {}) });
  }

  #sendStart(process: EngineProcess, placed: Placed): void {
    placed.segments = 0;
    const { id, spec, params, checkpoint } = placed.stream;
    const resume = checkpoint === null ? {} : { resume: checkpoint };
    process.send({ type: "start", id, spec, params, ...resume });
  }
}
