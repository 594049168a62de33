/** Hides one stream's life as the server sees it: its state, its parameters, and counters that outlive engines. */
import type { Checkpoint, Prompt, StreamParams, StreamSpec } from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import { getLogger, logId, withStreamLog } from "../../log.ts";
import type { PlacedStream, StreamMessage } from "../engines/placed-stream.ts";
import { cut } from "../field-errors.ts";
import { StreamCounters } from "./counters.ts";

const log = getLogger("stream");

type State =
  | { status: "starting" | "active" }
  /** `error`: why it is made to end, if something failed. */
  | { status: "stopping"; error: PlainError | null }
  | { status: "stopped"; endedAt: number }
  | { status: "error"; endedAt: number; error: PlainError };

/** How a stream came to be. */
export interface StreamOrigin {
  readonly id: string;
  /** The output channel as it was named; null where nothing is published. */
  readonly streamUrl: string | null;
  /** The capability it was started through; null for `/stream/start`. */
  readonly capability: string | null;
  readonly spec: StreamSpec;
  readonly params: StreamParams;
  /** What a null in an update goes back to. */
  readonly defaults: StreamParams;
  /** Who is told of its life: asked for once. */
  readonly attend?: (record: Stream) => StreamObserver;
}

/** What happens to a stream while it lives. */
export type StreamNews = StreamMessage | { readonly type: "interrupted" | "changed" };

/** Somebody who is told of a stream's life, after the record has taken it in. */
export interface StreamObserver {
  /** Its turn has come: its channels are its own. */
  begin(): void;
  heard(news: StreamNews): void;
  /** It is over, with or without an error. Settles when all is released that was opened for it. Never rejects. */
  end(error: PlainError | null): Promise<void>;
}

export class Stream implements PlacedStream {
  readonly id: string;
  /** Names the stream in logs, where its id may not appear. */
  readonly logId: string;
  readonly spec: StreamSpec;
  readonly defaults: StreamParams;
  readonly createdAt = new Date();
  readonly #streamUrl: string | null;
  readonly #capability: string | null;
  readonly #observer: StreamObserver | null;
  readonly #counters = new StreamCounters();
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #params: StreamParams;
  #checkpoint: Checkpoint | null = null;
  #state: State = { status: "starting" };
  #size: { width: number; height: number } | null;
  #trouble: PlainError | null = null;

  constructor(origin: StreamOrigin) {
    this.#streamUrl = origin.streamUrl;
    this.#capability = origin.capability;
    this.id = origin.id;
    this.logId = logId(origin.id);
    this.spec = origin.spec;
    this.defaults = origin.defaults;
    this.#params = origin.params;
    this.#size = origin.params.size ?? null;
    this.#observer = this.#logged(() => origin.attend?.(this) ?? null);
  }

  get status(): State["status"] {
    return this.#state.status;
  }
  get params(): StreamParams {
    return this.#params;
  }
  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }
  /** `Date.now()` of its end; null while it lives. */
  get endedAt(): number | null {
    return "endedAt" in this.#state ? this.#state.endedAt : null;
  }
  /** Why it ended, or what it lives with; null where nothing is wrong. */
  get error(): PlainError | null {
    return this.#state.status === "error" ? this.#state.error : this.#trouble;
  }
  /** Settles when the output channel has accepted it, or when it ended before. */
  get started(): Promise<void> {
    return this.#started.promise;
  }
  /** Settles when all of it is released. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Nobody else holds its channels any more. */
  begin(): void {
    this.#logged(() => this.#observer?.begin());
  }

  /** New parameters, whole; handing them to an engine is the store's work. */
  change(params: StreamParams): void {
    this.#params = params;
    if (params.size !== undefined) this.#size = params.size;
    this.#observer?.heard({ type: "changed" });
  }

  /** It is made to end, for the first `error` given, and `ended` will follow. */
  stopping(error: PlainError | null = null): void {
    if (this.endedAt !== null || this.#state.status === "stopping") return;
    this.#state = { status: "stopping", error };
  }

  receive(message: StreamMessage): void {
    this.#take(message);
    if (message.type !== "ended") this.#observer?.heard(message);
  }

  #take(message: StreamMessage): void {
    switch (message.type) {
      case "started":
        if (this.#state.status === "starting") this.#state = { status: "active" };
        this.#started.resolve();
        return;
      case "size":
        this.#size = { width: message.width, height: message.height };
        return;
      case "stats":
        this.#counters.take(message.stats);
        return;
      case "checkpoint":
        this.#checkpoint = message.checkpoint;
        return;
      case "updated":
      case "recovered":
        this.#trouble = null;
        return;
      case "trouble":
        this.#trouble = message.error;
        log.warn("stream degraded", { stream: this.logId, error: message.error.message });
        return;
      case "ended":
        this.#end(message.error);
        return;
      default:
        message satisfies never;
    }
  }

  interrupted(): void {
    this.#counters.interrupted();
    this.#observer?.heard({ type: "interrupted" });
  }

  /** Output size in pixels, once it is known. */
  get size(): { readonly width: number; readonly height: number } | null {
    return this.#size;
  }

  /** Its parameters as members of a start body; prompts are cut short. */
  get shownParams() {
    return { ...startFields(this.#params), prompts: remembered(this.#params.prompts) };
  }

  /** Counters over all engines, rates and delays of the latest. */
  get stats() {
    return this.#counters.figures(this.#params.model);
  }

  /** Packets of sound a second, in and out. */
  get soundRates(): { readonly in: number; readonly out: number } {
    return this.#counters.soundRates;
  }

  /** Its engine has figures of it: it runs. False between two engines. */
  get isMeasured(): boolean {
    return this.#counters.isMeasured;
  }

  /** The stream object of contract.md, as the seed shows it. An orchestrator's channels are credentials: not shown. */
  toJSON() {
    const shown: { prompts?: Prompt[]; capability?: string } =
      this.#capability === null
        ? { prompts: [...this.#params.prompts] }
        : { capability: this.#capability };
    return {
      manifest_id: this.id,
      stream_url: this.spec.owns_output ? this.#streamUrl : null,
      input_url: this.spec.owns_output ? (this.spec.input?.url ?? null) : null,
      created_at: this.createdAt.toISOString(),
      status: this.status,
      metadata: {
        width: this.#size?.width ?? null,
        height: this.#size?.height ?? null,
        ...shown,
      },
      params: startFields(this.#params),
      ...(this.error === null ? {} : { error: this.error.message }),
      stats: this.stats,
    };
  }

  /** Runs `work` so that what it logs, now or later, names the stream. */
  #logged<T>(work: () => T): T {
    return withStreamLog(this.id, work);
  }

  #end(error: PlainError | undefined): void {
    if (this.endedAt !== null) return;
    const endedAt = Date.now();
    const state = this.#state;
    // Who asked for the end does not care what went wrong on the way.
    const failure = state.status === "stopping" ? state.error : (error ?? null);
    // Of one that never started its start tells, where somebody waits for it.
    const told = state.status !== "starting" || !this.spec.owns_output;
    this.#state =
      failure === null
        ? { status: "stopped", endedAt }
        : { status: "error", endedAt, error: failure };
    this.#params = { ...this.#params, prompts: remembered(this.#params.prompts) };
    if (told && failure !== null)
      log.warn("stream failed", { stream: this.logId, error: failure.message });
    else if (told) log.info("stream ended", { stream: this.logId });
    this.#started.resolve();
    if (this.#observer === null) this.#ended.resolve();
    else void this.#logged(() => this.#observer?.end(failure))?.then(this.#ended.resolve);
  }
}

/** The parameters as members of a start body; prompts are shown as metadata. */
const startFields = ({ size, model_params, prompts: _, ...common }: StreamParams) => ({
  ...model_params,
  ...common,
  ...size,
});

/** What history keeps of prompts. Cloned, as a piece of a string holds on to all of it. */
const remembered = (prompts: readonly Prompt[]): Prompt[] =>
  structuredClone(
    prompts.slice(0, 8).map(({ prompt, weight }) => ({
      prompt: cut(prompt, 200),
      ...(weight === undefined ? {} : { weight }),
    })),
  );
