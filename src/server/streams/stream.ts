/** One stream as the server sees it: its state, its parameters, and figures that outlive engines. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import type {
  Checkpoint,
  Size,
  StreamParams,
  StreamSpec,
  WorkOrder,
} from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import { getLogger, logId, withStreamLog } from "../../log.ts";
import type { Place } from "../admission.ts";
import type { EngineName, Work } from "../engines/work.ts";
import type { ControlProtocol, ShownChannels } from "../protocols/control-protocol.ts";
import { endAbandonedOutput } from "./abandoned-output.ts";
import { reportWithChannelFields, withChannelFields } from "./channel-fields.ts";
import { DataOutput } from "./data-output.ts";
import { Measurements } from "./measurements.ts";
import type { StreamEvent, StreamObserver } from "./observer.ts";
import { ParamsInUse } from "./params-in-use.ts";
import { RecentEvents } from "./recent-events.ts";
import { type EndReason, StreamLife } from "./stream-life.ts";
import { StreamLog } from "./stream-log.ts";
import { keptParams, shortened, startMembers, streamObject } from "./stream-object.ts";
import type { Usage } from "./usage.ts";
import type { Shown } from "./usage-clock.ts";

const log = getLogger("stream");

/** What a new stream is made of. */
export interface StreamOrigin {
  readonly id: string;
  readonly protocol: ControlProtocol;
  /** The channels as the stream object shows them. */
  readonly channels: ShownChannels;
  /** The capability it was started through; null for `/stream/start`. */
  readonly capability: string | null;
  readonly spec: StreamSpec;
  readonly params: StreamParams;
  /** The values that a null in an update resets to. */
  readonly defaults: StreamParams;
  /** A place that is held for it already; the store gives it back when the stream is over. */
  readonly place?: Place;
  /** Called once, when the stream is made. */
  readonly observe?: (stream: Stream) => StreamObserver | null;
}

export class Stream implements Work {
  readonly id: string;
  /** Names the stream in logs, where its id may not appear. */
  readonly logId: string;
  readonly protocol: ControlProtocol;
  readonly spec: StreamSpec;
  readonly defaults: StreamParams;
  readonly channels: ShownChannels;
  readonly capability: string | null;
  /** What its model says about its frames. */
  readonly data: DataOutput;
  /** What was counted of it, and for how long it showed what. */
  readonly measured: Measurements;
  /** The last events of its life. */
  readonly recent = new RecentEvents();
  /** Called when the engine has reported the output's size. */
  onSize: (() => void) | null = null;
  readonly #log = new StreamLog(this);
  readonly #life = new StreamLife();
  #observer: StreamObserver | null;
  readonly #params: ParamsInUse;
  /** `at` is `performance.now()` when it came: monotonic clocks of two processes cannot be compared. */
  #checkpoint: { readonly last: Checkpoint; readonly at: number } | null = null;
  #size: Size | null;

  constructor(origin: StreamOrigin) {
    this.id = origin.id;
    this.logId = logId(origin.id);
    this.data = this.#openData();
    this.measured = new Measurements(origin.params.paused);
    this.protocol = origin.protocol;
    this.spec = origin.spec;
    this.defaults = origin.defaults;
    this.channels = origin.channels;
    this.capability = origin.capability;
    this.#params = new ParamsInUse(origin.params);
    this.#size = origin.params.size ?? null;
    this.#observer = this.#logged(() => origin.observe?.(this) ?? null);
  }

  get createdAt(): Date {
    return this.measured.startedAt;
  }
  get status() {
    return this.#life.status;
  }
  get params(): StreamParams {
    return this.#params.newest;
  }
  /** Since when a change of its parameters waits for its first frame; null where none does. */
  get pendingSince(): Date | null {
    return this.#params.pendingSince;
  }
  /** `Date.now()` of its end; null while it lives. */
  get endedAt(): number | null {
    return this.#life.endedAt;
  }
  /** Why it failed, or what degrades it while it runs; null where nothing is wrong. */
  get error(): PlainError | null {
    return this.#life.error;
  }
  /** The server's reason to end it; null while it runs, and where it ended by itself. */
  get endReason(): EndReason | null {
    return this.#life.endReason;
  }
  /** Settles when the output channel has accepted the stream, or when it ended before. */
  get started(): Promise<void> {
    return this.#life.started;
  }
  /** Settles when it is over: its usage is final, though some of its channels may still be open. */
  get over(): Promise<void> {
    return this.#life.over;
  }
  /** Settles when everything that belongs to the stream is released. */
  get released(): Promise<void> {
    return this.#life.released;
  }
  /** True once an engine has accepted it and opened its output channel. */
  get hasStarted(): boolean {
    return this.#life.hasStarted;
  }
  /** True once the sender of its input has ended it, whatever happens until it is over. Of streams with an adopted output. */
  get isFinished(): boolean {
    return this.#life.isFinished;
  }
  /** Output size in pixels; null until it is known. */
  get size(): Size | null {
    return this.#size;
  }
  /** What its viewers see. */
  get showing(): Shown {
    return this.measured.showing;
  }
  /** Counters over all its engines; rates and delays of the latest. */
  get stats() {
    return this.measured.stats(this.params.model);
  }
  /** What it has used over all its engines, until now or in its whole life. */
  get usage(): Usage {
    return this.measured.usage();
  }
  /** Its parameters as members of a start body; prompts are shortened. */
  get shownParams() {
    return { ...startMembers(this.params), prompts: shortened(this.params.prompts) };
  }

  /** Call when no other stream uses its channels any more. */
  open(): void {
    this.#logged(() => this.#observer?.open());
  }

  /** Sets new parameters, whole. The store hands them to the engine. */
  change(params: StreamParams): void {
    this.#log.changed(this.params, params);
    if (!Bun.deepEquals(params, this.params)) this.#params.change(params);
    if (params.size !== undefined) this.#size = params.size;
    this.measured.pause(params.paused);
    this.#tell({ type: "params_changed" });
  }

  /** The server ends the stream, for the first `error` given; `ended` will follow. */
  stopping(why: EndReason, error: PlainError | null = null): void {
    this.#life.stop(why, error);
  }

  handedTo(engine: EngineName): void {
    this.#log.handedTo(engine);
  }

  order(): WorkOrder {
    const checkpoint = this.#checkpoint;
    const resume = checkpoint && {
      ...checkpoint.last,
      age_ms: performance.now() - checkpoint.at,
    };
    const { newest: params, revision, interim } = this.#params;
    return {
      kind: "stream",
      spec: this.spec,
      params,
      revision,
      ...(interim && { interim }),
      ...(resume && { resume }),
    };
  }

  receive(message: WorkReport): void {
    const named = reportWithChannelFields(message, this.protocol.channelFields);
    if (named.type !== "data") this.recent.record(named);
    this.#take(named);
    if (named.type !== "ended" && named.type !== "data") this.#observer?.handle(named);
  }

  lost(error?: PlainError): void {
    const output = this.hasStarted ? this.spec.output : undefined;
    const seq = this.#checkpoint?.last.seq ?? null;
    const named = error && withChannelFields(error, this.protocol.channelFields);
    this.recent.record({ type: "ended", id: this.id, ...(named && { error: named }) });
    this.#end(named, output && (() => endAbandonedOutput(output, seq)));
  }

  interrupted(why: string, hungRuns = 0): void {
    this.#life.degrade(null); // the next engine reports what is still wrong
    this.measured.interrupted(hungRuns);
    this.#params.interrupted();
    log.warn("stream interrupted: its engine died", { stream: this.logId, why });
    this.#tell({ type: "interrupted", why });
  }

  /** The stream object of contract.md. */
  toJSON() {
    return streamObject(this);
  }

  /** Not in the constructor: a closure made there would keep the whole start alive. */
  #openData(): DataOutput {
    return new DataOutput(this.logId, (event) => this.#observer?.handle(event));
  }

  #tell(event: StreamEvent): void {
    this.recent.record(event);
    this.#observer?.handle(event);
  }

  #take(message: WorkReport): void {
    switch (message.type) {
      case "started":
        if (this.hasStarted) this.#log.resumed();
        else this.#log.started();
        this.#life.begin();
        return;
      case "size":
        this.#size = { width: message.width, height: message.height };
        this.onSize?.();
        return;
      case "stats":
        this.measured.take(message.stats);
        return;
      case "checkpoint":
        this.#checkpoint = { last: message.checkpoint, at: performance.now() };
        return;
      case "showing":
        this.measured.show(message);
        return;
      case "recovered":
        this.#life.degrade(null);
        return;
      case "trouble":
        this.#life.degrade(message.error);
        log.warn("stream degraded", { stream: this.logId, error: message.error.message });
        return;
      case "finished":
        this.#life.finish();
        return;
      case "ended":
        this.#end(message.error);
        return;
      case "updated":
        this.#params.used(message.revision); // a trouble that they end is followed by `recovered`
        return;
      case "refused":
        this.#params.refused(message.revision); // `trouble` says why
        return;
      case "data":
        this.data.publish(message);
        return;
      case "step":
      case "made":
        return; // of pictures
      default:
        message satisfies never;
    }
  }

  #end(error: PlainError | undefined, endOutput?: () => Promise<void>): void {
    const ending = this.#life.end(error ?? null);
    if (ending === null) return;
    this.measured.end();
    // A start that waits for the stream to be active reports its failure itself.
    if (ending.wasActive || this.protocol.answersWhen === "admitted") this.#log.ended(ending);
    this.data.close();
    void this.#release(ending.failure, endOutput);
  }

  /** An ended stream stays in the history: it drops whatever is big and keeps no other object alive. */
  async #release(failure: PlainError | null, endOutput?: () => Promise<void>): Promise<void> {
    this.#params.end(keptParams(this.params));
    this.#checkpoint = null;
    this.onSize = null;
    const observer = this.#observer;
    this.#observer = null;
    await this.#logged(() => Promise.all([observer?.close(failure), endOutput?.()]));
    this.#life.release();
  }

  /** Runs `work` so that what it logs, now or later, names the stream. */
  #logged<T>(work: () => T): T {
    return withStreamLog(this.id, work);
  }
}
