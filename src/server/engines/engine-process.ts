/** Hides one engine child: how it is spawned, greeted, watched and ended. It never comes back: see engine-slot. */
import type { Subprocess } from "bun";
import type { EngineOptions, FromEngine, ToEngine } from "../../engine/protocol/messages.ts";
import type { EngineCensus } from "../../engine/protocol/stats.ts";
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";

const log = getLogger("engine");

const PING_EVERY_MS = 1000;
const SILENCE_MS = 3000;
/** Before its first word an engine loads native libraries, on a busy box for seconds. */
const BOOT_SILENCE_MS = 20_000;

/** How to start an engine: the same program with its internal sub-command, in its own environment. */
export interface EngineCommand {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface EngineProcessOptions extends EngineCommand {
  readonly engine: EngineOptions;
  /** Everything but the handshake and pongs. */
  readonly receive: (message: FromEngine) => void;
  /** Once, when it is gone; `why` says what ended it. */
  readonly gone: (why: string) => void;
}

export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #child: Subprocess<"ignore", "ignore", "inherit"> | null;
  readonly #watch: Timer | null;
  #exited: Promise<void>;
  #silentMs = 0;
  #allowedMs = BOOT_SILENCE_MS;
  #killedFor: string | null = null;
  #census: EngineCensus = { streams: 0, frames: 0, requests: 0 };

  constructor(options: EngineProcessOptions) {
    this.#options = options;
    const exit = Promise.withResolvers<void>();
    this.#exited = exit.promise;
    const gone = (why: string) => {
      if (this.#watch) clearInterval(this.#watch);
      options.gone(this.#killedFor ?? why);
      exit.resolve();
    };
    try {
      this.#child = Bun.spawn([...options.command], {
        env: { ...options.env },
        stdio: ["ignore", "ignore", "inherit"],
        serialization: "advanced",
        // Its own group: a Ctrl-C at the terminal is the server's to hear, which then ends it in order.
        detached: true,
        ipc: (message: FromEngine) => this.#receive(message),
        onExit: (_child, code, signal) => gone(signal === null ? `exit code ${code}` : `${signal}`),
      });
      this.#watch = setInterval(() => this.#tick(), PING_EVERY_MS);
    } catch (error) {
      this.#child = null;
      this.#watch = null;
      queueMicrotask(() => gone(`could not be started: ${reason(error)}`));
    }
  }

  /** Process id, for logs and tests; null if it never started. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** What lives in it, as of its last pong. */
  get census(): EngineCensus {
    return this.#census;
  }

  /** A message to an engine that is gone is dropped: `gone` tells, and the next engine is told anew. */
  send(message: ToEngine): void {
    try {
      this.#child?.send(message);
    } catch (error) {
      log.debug("message not sent", { type: message.type, error: reason(error) });
    }
  }

  /** At once, also when it hangs in native code. */
  kill(why: string): void {
    this.#killedFor ??= why;
    this.#child?.kill("SIGKILL");
  }

  /** Asks it to end, and kills it when `deadline` aborts. Settles when it is gone. */
  async end(deadline: AbortSignal): Promise<void> {
    const late = () => this.kill("did not end in time");
    deadline.addEventListener("abort", late, { once: true });
    if (deadline.aborted) late();
    else this.send({ type: "shutdown" });
    await this.#exited;
    deadline.removeEventListener("abort", late);
  }

  #receive(message: FromEngine): void {
    this.#silentMs = 0;
    if (message.type === "hello") this.send({ type: "init", options: this.#options.engine });
    else if (message.type === "pong") {
      this.#allowedMs = SILENCE_MS + message.quiet_ms;
      this.#census = message.live;
    } else {
      if (message.type === "ready") this.#allowedMs = SILENCE_MS;
      this.#options.receive(message);
    }
  }

  // Silence is counted in ticks and not read from a clock: when this process was suspended, the engine is not at fault.
  #tick(): void {
    if (this.#silentMs >= this.#allowedMs) {
      this.kill(`silent for ${this.#silentMs} ms`);
      return;
    }
    this.#silentMs += PING_EVERY_MS;
    this.send({ type: "ping" });
  }
}
