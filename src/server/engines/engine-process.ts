/** One engine child process: spawned, greeted, watched for silence and for hung calls, ended. It is never restarted: see engine-lifecycle.ts. */
import { readFileSync } from "node:fs";
import type { Subprocess } from "bun";
import {
  type CallInFlight,
  CallJournal,
  type CallKind,
  JOURNAL_BYTES,
} from "../../engine/protocol/call-journal.ts";
import { messageCheck } from "../../engine/protocol/check-message.ts";
import { type EngineOptions, FromEngine, type ToEngine } from "../../engine/protocol/messages.ts";
import type { EngineCensus } from "../../engine/protocol/stats.ts";
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { sharedMemory } from "./shared-memory.ts";

const log = getLogger("engine");

const TICK_MS = 250;
/** An engine whose main thread answers no ping for this long hangs. */
const SILENCE_MS = 3000;

/** How to start an engine: the same program with its internal sub-command, in its own environment. */
export interface EngineCommand {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Repairs what engines load, when one cannot start. Returns the names of the files it replaced. Never throws. */
  readonly repair?: () => Promise<readonly string[]>;
  /** Takes from this process what an engine must not inherit. Called before each start. Never throws. */
  readonly confine?: () => void;
}

/** How an engine ended. */
export interface EngineDeath {
  /** For logs and for the streams it ran, e.g. `SIGSEGV` or `a run did not finish within 5 s`. */
  readonly why: string;
  /** What it may have died of: the calls that missed their deadlines where it was killed for them, else all in flight. */
  readonly calls: readonly CallInFlight[];
  /** True if something outside killed or stopped the process: an operator, or the kernel when memory ran out. */
  readonly fromOutside: boolean;
  /** True if the server killed it, because it was silent, a call hung, or its device was lost. */
  readonly byServer: boolean;
  /** True if `calls` missed their deadlines. */
  readonly isHang: boolean;
}

export interface EngineProcessOptions extends EngineCommand {
  readonly engine: EngineOptions;
  /** Time until its first message. It loads native libraries before, for seconds on a busy machine. */
  readonly bootMs: number;
  /** Gets every message but the handshake and pongs. */
  readonly receive: (message: FromEngine) => void;
  /** Called once, when the process is gone. */
  readonly gone: (death: EngineDeath) => void;
}

const checked = messageCheck(FromEngine);

export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #child: Subprocess<"ignore", "ignore", "inherit"> | null;
  readonly #watch: Timer | null;
  readonly #exited: Promise<void>;
  readonly #journal: CallJournal | null;
  #silentMs = 0;
  #allowedMs: number;
  /** For how long calls in flight have been seen, in milliseconds by serial. */
  #ages = new Map<number, number>();
  /** Why the server killed it. */
  #killedFor: (Pick<EngineDeath, "why"> & Partial<EngineDeath>) | null = null;
  #census: EngineCensus = { streams: 0, frames: 0, requests: 0 };

  constructor(options: EngineProcessOptions) {
    this.#options = options;
    this.#allowedMs = options.bootMs;
    const exit = Promise.withResolvers<void>();
    this.#exited = exit.promise;
    using memory = sharedMemory(JOURNAL_BYTES);
    this.#journal = memory && new CallJournal(memory.bytes);
    const gone = (why: string) => {
      if (this.#watch) clearInterval(this.#watch);
      const calls = this.#journal?.inFlight() ?? [];
      const fromOutside = this.#killedFor === null && SENT_BY_OTHERS.has(why);
      const byServer = this.#killedFor !== null;
      options.gone({ why, calls, fromOutside, byServer, isHang: false, ...this.#killedFor });
      exit.resolve();
    };
    options.confine?.();
    try {
      this.#child = Bun.spawn([...options.command], {
        env: { ...options.env },
        // The engine maps the journal from its file descriptor 3.
        stdio: ["ignore", "ignore", "inherit", memory?.fd ?? "ignore"],
        serialization: "advanced",
        // In a process group of its own: Ctrl-C at a terminal reaches the server alone, which then ends its engines.
        detached: true,
        ipc: (message: unknown) => this.#take(message),
        onExit: (_child, code, signal) => gone(signal === null ? `exit code ${code}` : `${signal}`),
      });
      this.#watch = setInterval(() => this.#tick(), TICK_MS);
    } catch (error) {
      this.#child = null;
      this.#watch = null;
      queueMicrotask(() => gone(`it could not be started: ${reason(error)}`));
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

  /** The native calls that this work is in, and for how long they have been seen. */
  callsOf(work: number): readonly { readonly call: CallInFlight; readonly ageMs: number }[] {
    const calls = this.#journal?.inFlight() ?? [];
    return calls
      .filter((call) => call.work === work)
      .map((call) => ({ call, ageMs: this.#ages.get(call.serial) ?? 0 }));
  }

  /** A message to an engine that is gone is dropped: `gone` follows, and the next engine gets the start again. */
  send(message: ToEngine): void {
    try {
      this.#child?.send(message);
    } catch (error) {
      log.debug("message not sent", { type: message.type, error: reason(error) });
    }
  }

  /** Ends it at once, also when it hangs in native code. The first reason given counts. */
  kill(why: string): void {
    this.#killFor({ why });
  }

  #killFor(death: Pick<EngineDeath, "why"> & Partial<EngineDeath>): void {
    this.#killedFor ??= death;
    this.#child?.kill("SIGKILL");
  }

  /** Asks it to end, and kills it when `deadline` aborts. Settles when it is gone. */
  async end(deadline: AbortSignal): Promise<void> {
    const late = () => this.kill("it did not shut down in time");
    deadline.addEventListener("abort", late, { once: true });
    if (deadline.aborted) late();
    else this.send({ type: "shutdown" });
    await this.#exited;
    deadline.removeEventListener("abort", late);
  }

  #take(raw: unknown): void {
    this.#silentMs = 0;
    let message: FromEngine;
    try {
      message = checked(raw);
    } catch (error) {
      this.#refuse(raw, reason(error));
      return;
    }
    this.#receive(message);
  }

  /** What others wait for is not lost with a message that does not match its schema. */
  #refuse(raw: unknown, why: string): void {
    log.error("message from an engine ignored", { error: why });
    const { type, number, report } = Object(raw);
    if (type === "ready") this.kill(`its report of models is not understood: ${why}`);
    if (type !== "report" || Object(report).type !== "ended" || !Number.isInteger(number)) return;
    const message = `the engine's report of the end is not understood: ${why}`;
    const ended = { type: "ended", id: "", error: { kind: "internal", message } } as const;
    this.#options.receive({ type, number, report: ended });
  }

  #receive(message: FromEngine): void {
    this.#allowedMs = SILENCE_MS;
    if (message.type === "hello") this.send({ type: "init", options: this.#options.engine });
    else if (message.type === "pong") this.#census = message.live;
    else this.#options.receive(message);
  }

  // Silence and the age of calls are counted in ticks and not read from a clock: when this process was suspended, the
  // engine is not at fault.
  #tick(): void {
    if (this.#silentMs >= this.#allowedMs) {
      const why = `it was silent for ${this.#silentMs / 1000} s`;
      this.#killFor({ why, fromOutside: isStopped(this.pid) });
      return;
    }
    this.#silentMs += TICK_MS;
    this.send({ type: "ping" });
    const calls = this.#journal?.inFlight() ?? [];
    const aged = calls.map((call) => ({
      call,
      age: (this.#ages.get(call.serial) ?? -TICK_MS) + TICK_MS,
    }));
    this.#ages = new Map(aged.map(({ call, age }) => [call.serial, age]));
    const hung = aged.filter(({ call, age }) => age >= call.allowedMs).map(({ call }) => call);
    if (hung[0] !== undefined)
      this.#killFor({ why: sentenceOf(hung[0]), calls: hung, isHang: true });
  }
}

/** Signals that a process does not get for what it does itself. */
const SENT_BY_OTHERS = new Set(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]);

/** Whether a process was stopped by a signal (state T in proc_pid_stat(5)); false where there is no /proc. */
function isStopped(pid: number | null): boolean {
  try {
    return /^\d+ \(.*\) T /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false; // it is gone, or this is no Linux
  }
}

const sentenceOf = ({ kind, allowedMs }: CallInFlight): string =>
  `${CALL_NAMES[kind]} did not finish within ${Math.round(allowedMs / 100) / 10} s`;

/** Calls in words, for messages. */
export const CALL_NAMES = {
  boot: "starting up",
  probe: "the trial of the device",
  load: "loading a model",
  demux: "reading the input",
  decode: "decoding a frame",
  convert: "converting a frame",
  run: "running a model",
  encode: "encoding a frame",
} as const satisfies Record<CallKind, string>;
