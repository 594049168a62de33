/** Keeps the state of a runner's registration, and logs each change once. */
import { getLogger, type LogLevel } from "../../../../log.ts";
import type { RunnerStatus } from "../runner-sessions.ts";
import type { BeatFailure } from "./heartbeats.ts";

const log = getLogger("registration");

/** `off`: the orchestrator takes no runners. */
export const FAILURE_KINDS = ["unauthorized", "off", "refused", "unreachable"] as const;

export interface RunnerFailure {
  readonly kind: (typeof FAILURE_KINDS)[number];
  readonly message: string;
  readonly at: Date;
}

export interface RecordOptions {
  readonly app: string;
  /** As in ORCH_URL. */
  readonly orchestrator: string;
  /** How an orchestrator that takes no runners is logged: where it may take BYOC's registration, it is no error. */
  readonly offLevel: Extract<LogLevel, "warning" | "error">;
}

export class RegistrationRecord {
  readonly #fields: { readonly app: string; readonly orchestrator: string };
  readonly #offLevel: RecordOptions["offLevel"];
  #since: Date | null = null;
  #failure: RunnerFailure | null = null;
  #reported = "";

  constructor({ app, orchestrator, offLevel }: RecordOptions) {
    this.#fields = { app, orchestrator };
    this.#offLevel = offLevel;
  }

  /** When the registration was made; null without one. */
  get since(): Date | null {
    return this.#since;
  }

  /** The last failure since a heartbeat was accepted. */
  get failure(): RunnerFailure | null {
    return this.#failure;
  }

  /** `url` is the runner's URL without its key. */
  registered(details: {
    readonly runner: string;
    readonly url: string;
    readonly status: RunnerStatus;
    readonly capacity?: number;
  }) {
    this.#since = new Date();
    this.#forgive();
    log.info("runner registered", { ...this.#fields, ...details });
  }

  /** An engine is up, for the first time since the registration. */
  ready(capacity: number): void {
    log.info("runner ready", { ...this.#fields, capacity });
  }

  answered(): void {
    if (this.#failure !== null) log.info("runner: orchestrator reached again", this.#fields);
    this.#forgive();
  }

  #forgive(): void {
    this.#failure = null;
    this.#reported = "";
  }

  lost(why: string): void {
    this.#since = null;
    log.warn("runner registration lost: registering again", { ...this.#fields, why });
  }

  /** `isRegistered`: the orchestrator still has the registration, as far as is known. */
  failed(failure: BeatFailure, isRegistered: boolean): void {
    const { kind, message } = described(failure);
    this.#failure = { kind, message, at: new Date() };
    const title =
      kind === "unreachable" ? NOT_REACHED : isRegistered ? NOT_ACCEPTED : NOT_REGISTERED;
    if (this.#reported === title + message) return;
    this.#reported = title + message;
    const fields = { ...this.#fields, why: message };
    const isError = title === NOT_REGISTERED && (kind !== "off" || this.#offLevel === "error");
    if (isError) log.error(title, fields);
    else log.warn(title, fields);
  }

  /** `failure` says why the orchestrator may still have the registration; null: it has not. */
  left(failure: string | null): void {
    this.#since = null;
    if (failure === null) log.info("runner unregistered", this.#fields);
    else log.warn("runner not unregistered", { ...this.#fields, why: failure });
  }
}

const NOT_REACHED = "runner: orchestrator not reached: still trying";
const NOT_ACCEPTED = "runner: heartbeat not accepted: still trying";
const NOT_REGISTERED = "runner not registered: retried every 60 s";

const WRONG_SECRET =
  "it does not accept ORCH_SECRET: it must be -orchSecret of go-livepeer, or the bootstrap secret of livepeer/node";

/** The failure as metrics count it and operators read it. */
function described({ kind, message }: BeatFailure): Pick<RunnerFailure, "kind" | "message"> {
  switch (kind) {
    case "unauthorized":
      return { kind, message: WRONG_SECRET };
    case "unknown":
      return { kind: "off", message };
    case "static_id":
      return { kind: "refused", message };
    default:
      return { kind, message };
  }
}
