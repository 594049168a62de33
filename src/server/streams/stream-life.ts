/** Follows one stream from its start to its end: its status, what degrades it on the way, and why it is over. */
import type { PlainError } from "../../errors.ts";

/** Why the server ends a stream. */
export type EndReason =
  | "deleted"
  | "stopped by orchestrator"
  | "replaced"
  | "idle"
  /** With the session's own reason. */
  | `session ended: ${string}`
  | "server stopping"
  | "caller left"
  | "not started in time";

type State =
  | { status: "starting" | "active" }
  /** `error`: the failure for which the server ends it; null for an end in order. */
  | { status: "stopping"; why: EndReason; error: PlainError | null }
  | { status: "stopped"; endedAt: number; why: EndReason | null }
  | { status: "error"; endedAt: number; why: EndReason | null; error: PlainError };

/** How a stream has ended. */
export interface Ending {
  /** The server's reason; null where the stream ended by itself. */
  readonly why: EndReason | null;
  readonly failure: PlainError | null;
  /** False where it ended before an engine had begun with it. */
  readonly wasActive: boolean;
}

export class StreamLife {
  readonly #started = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  #state: State = { status: "starting" };
  #trouble: PlainError | null = null;
  #hasStarted = false;
  #isFinished = false;

  get status(): State["status"] {
    return this.#state.status;
  }
  /** `Date.now()` of its end; null while it lives. */
  get endedAt(): number | null {
    return "endedAt" in this.#state ? this.#state.endedAt : null;
  }
  /** Why it failed, or what degrades it while it runs; null where nothing is wrong. */
  get error(): PlainError | null {
    return this.#state.status === "error" ? this.#state.error : this.#trouble;
  }
  /** The server's reason to end it; null while it runs, and where it ended by itself. */
  get endReason(): EndReason | null {
    return "why" in this.#state ? this.#state.why : null;
  }
  /** Settles when the output channel has accepted the stream, or when it ended before. */
  get started(): Promise<void> {
    return this.#started.promise;
  }
  /** Settles when the stream is over; some of its channels may still be open. */
  get over(): Promise<void> {
    return this.#over.promise;
  }
  /** Settles when everything that belongs to the stream is released. */
  get released(): Promise<void> {
    return this.#released.promise;
  }
  /** True once an engine has accepted it and opened its output channel. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** True once the sender of its input has ended it, whatever happens until it is over. Of streams with an adopted output. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** An engine has begun with it. */
  begin(): void {
    if (this.#state.status === "starting") this.#state = { status: "active" };
    this.#hasStarted = true;
    this.#started.resolve();
  }

  /** It goes on, and this is wrong with it; null: nothing is any more. */
  degrade(trouble: PlainError | null): void {
    this.#trouble = trouble;
  }

  /** The sender of its input has ended it. */
  finish(): void {
    this.#isFinished = true;
  }

  /** The server ends it; the first call counts. With `error` it has failed. */
  stop(why: EndReason, error: PlainError | null): void {
    if (this.endedAt !== null || this.#state.status === "stopping") return;
    this.#state = { status: "stopping", why, error };
  }

  /** It is over: returns how it ended, or null if it was over before. */
  end(error: PlainError | null): Ending | null {
    const state = this.#state;
    if ("endedAt" in state) return null;
    const endedAt = Date.now();
    this.#trouble = null; // nothing degrades it any more
    // When the server ends a stream, what failed on the way does not count.
    const isStopping = state.status === "stopping";
    const failure = isStopping ? state.error : error;
    const why = isStopping ? state.why : null;
    this.#state =
      failure === null
        ? { status: "stopped", endedAt, why }
        : { status: "error", endedAt, why, error: failure };
    this.#started.resolve();
    this.#over.resolve();
    return { why, failure, wasActive: state.status !== "starting" };
  }

  /** Everything that belonged to it is released. */
  release(): void {
    this.#released.resolve();
  }
}
