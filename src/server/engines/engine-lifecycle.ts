/** Keeps one engine process running: boots it, boots the next one with back-off when it dies, and ends it for good. */
import type { EngineOptions, FromEngine } from "../../engine/protocol/messages.ts";
import type { PlainError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { type EngineCommand, type EngineDeath, EngineProcess } from "./engine-process.ts";
import { RestartHistory } from "./restart-history.ts";

const log = getLogger("engine");

export interface EngineLifecycleOptions extends EngineCommand {
  readonly engine: EngineOptions;
  /** Whether an engine was ever ready on this device: it exists, and its failure passes. */
  readonly isProven: () => boolean;
  readonly observer: LifecycleObserver;
}

/** The supervisor. */
export interface LifecycleObserver {
  /** Gets every message of an engine, before it has an effect on the life of the engine. */
  receive(message: FromEngine): void;
  /** The engine takes work. */
  ready(engine: EngineProcess): void;
  /** Its device is missing: there will be no engine. */
  unfit(error: PlainError): void;
  /** The engine died, another one boots soon. */
  died(death: EngineDeath, wasReady: boolean): void;
  /** It was closed, and its last engine is gone. */
  closed(): void;
}

type State =
  | { status: "booting" | "ready"; process: EngineProcess; since: number }
  | { status: "waiting"; timer: Timer }
  | { status: "unfit" | "closed" };

export class EngineLifecycle {
  /** Of all engines that it has had. */
  readonly history = new RestartHistory();
  readonly #options: EngineLifecycleOptions;
  #state: State;
  #repairTried = false;

  constructor(options: EngineLifecycleOptions) {
    this.#options = options;
    this.#state = this.#boot();
  }

  get status(): State["status"] {
    return this.#state.status;
  }
  /** Null between two engines, and where there will be none any more. */
  get process(): EngineProcess | null {
    return "process" in this.#state ? this.#state.process : null;
  }
  /** The engine that takes work; null while there is none. */
  get ready(): EngineProcess | null {
    return this.#state.status === "ready" ? this.#state.process : null;
  }

  /** Ends the engine for good, by force when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    const state = this.#state;
    this.#state = { status: "closed" };
    if (state.status === "waiting") clearTimeout(state.timer);
    if ("process" in state) await state.process.end(deadline);
    this.#options.observer.closed();
  }

  #boot(): State {
    const { device } = this.#options.engine;
    const process = new EngineProcess({
      ...this.#options,
      bootMs: this.history.bootMs,
      receive: (message) => this.#receive(process, message),
      gone: (death) => this.#gone(death),
    });
    log.info("engine starts", { device, pid: process.pid });
    return { status: "booting", process, since: performance.now() };
  }

  #receive(process: EngineProcess, message: FromEngine): void {
    this.#options.observer.receive(message);
    if (this.#state.status !== "booting") return;
    if (message.type === "ready") {
      this.#state = { ...this.#state, status: "ready" };
      this.history.ready();
      log.info("engine ready", { device: this.#options.engine.device, pid: process.pid });
      this.#options.observer.ready(process);
    } else if (message.type === "unfit") {
      if (this.#options.isProven())
        process.kill(`its device cannot be used: ${message.error.message}`);
      else void this.#unfit(process, message.error);
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
    this.#options.observer.unfit(error);
  }

  /** True if files that engines load were replaced. Only the first call does something. */
  async #repair(): Promise<boolean> {
    if (this.#repairTried) return false;
    this.#repairTried = true;
    const replaced = await this.#options.repair?.();
    return replaced !== undefined && replaced.length > 0;
  }

  #gone(death: EngineDeath): void {
    if (!("process" in this.#state)) return;
    const { status, since, process } = this.#state;
    const wasReady = status === "ready";
    const delay = this.history.died({ livedMs: performance.now() - since, wasReady });
    log.error("engine died; starting another one", {
      device: this.#options.engine.device,
      pid: process.pid,
      why: death.why,
      delay_ms: delay,
    });
    const again = async () => {
      if (!wasReady) await this.#repair();
      if (this.#state.status === "waiting") this.#state = this.#boot();
    };
    this.#state = { status: "waiting", timer: setTimeout(() => void again(), delay) };
    this.#options.observer.died(death, wasReady);
  }
}
