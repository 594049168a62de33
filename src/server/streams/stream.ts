/** One stream as the server sees it: its state, its parameters, and figures that outlive engines. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import type { Size, StreamParams, StreamSpec, WorkOrder } from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import { logId, withStreamLog } from "../../log.ts";
import type { Place } from "../admission.ts";
import type { EngineName, Work } from "../engines/work.ts";
import type { ControlProtocol, ShownChannels } from "../protocols/control-protocol.ts";
import { endAbandonedOutput } from "./abandoned-output.ts";
import { reportWithChannelFields, withChannelFields } from "./channel-fields.ts";
import type { DataOutput } from "./data-output.ts";
import { Measurements } from "./measurements.ts";
import type { StreamObserver } from "./observer.ts";
import type { RecentEvents } from "./recent-events.ts";
import { StreamEvents } from "./stream-events.ts";
import { type EndReason, StreamLife } from "./stream-life.ts";
import { StreamLog } from "./stream-log.ts";
import { keptParams, shortened, startMembers, streamObject } from "./stream-object.ts";
import { StreamOrder } from "./stream-order.ts";
import type { Usage } from "./usage.ts";
import type { Shown } from "./usage-clock.ts";

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
  /** What was counted of it, and for how long it showed what. */
  readonly measured: Measurements;
  /** Called when the engine has reported the output's size. */
  onSize: (() => void) | null = null;
  readonly #log = new StreamLog(this);
  readonly #life = new StreamLife();
  readonly #events: StreamEvents;
  readonly #order: StreamOrder;
  #size: Size | null;

  constructor(origin: StreamOrigin) {
    this.id = origin.id;
    this.logId = logId(origin.id);
    this.measured = new Measurements(origin.params.paused);
    this.protocol = origin.protocol;
    this.spec = origin.spec;
    this.defaults = origin.defaults;
    this.channels = origin.channels;
    this.capability = origin.capability;
    this.#order = new StreamOrder(origin.spec, origin.params);
    this.#size = origin.params.size ?? null;
    this.#events = new StreamEvents(this);
    this.#events.follow(() => origin.observe?.(this) ?? null);
  }

  get createdAt(): Date {
    return this.measured.startedAt;
  }
  get status() {
    return this.#life.status;
  }
  get params(): StreamParams {
    return this.#order.params;
  }
  /** Since when a change of its parameters waits for its first frame; null where none does. */
  get pendingSince(): Date | null {
    return this.#order.pendingSince;
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
  /** What its model says about its frames. */
  get data(): DataOutput {
    return this.#events.data;
  }
  /** The last events of its life. */
  get recent(): RecentEvents {
    return this.#events.recent;
  }
  /** Its parameters as members of a start body; prompts are shortened. */
  get shownParams() {
    return { ...startMembers(this.params), prompts: shortened(this.params.prompts) };
  }

  /** Call when no other stream uses its channels any more. */
  open(): void {
    this.#events.open();
  }

  /** Sets new parameters, whole. The store hands them to the engine. */
  change(params: StreamParams): void {
    this.#log.changed(this.params, params);
    if (!Bun.deepEquals(params, this.params)) this.#order.change(params);
    if (params.size !== undefined) this.#size = params.size;
    this.measured.pause(params.paused);
    this.#events.report({ type: "params_changed" });
  }

  /** The server ends the stream, for the first `error` given; `ended` will follow. */
  stopping(why: EndReason, error: PlainError | null = null): void {
    this.#life.stop(why, error);
  }

  handedTo(engine: EngineName): void {
    this.#log.handedTo(engine);
  }

  order(): WorkOrder {
    return this.#order.current;
  }

  receive(message: WorkReport): void {
    const named = reportWithChannelFields(message, this.protocol.channelFields);
    this.#take(named);
    this.#events.report(named);
  }

  lost(error?: PlainError): void {
    const output = this.hasStarted ? this.spec.output : undefined;
    const { segment } = this.#order;
    const named = error && withChannelFields(error, this.protocol.channelFields);
    this.#end(named, output && (() => endAbandonedOutput(output, segment)));
    this.#events.report({ type: "ended", id: this.id, ...(named && { error: named }) });
  }

  interrupted(why: string, hungRuns = 0): void {
    this.#life.degrade(null); // the next engine reports what is still wrong
    this.measured.interrupted(hungRuns);
    this.#order.interrupted();
    this.#log.interrupted(why);
    this.#events.report({ type: "interrupted", why });
  }

  /** The stream object of contract.md. */
  toJSON() {
    return streamObject(this);
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
        this.#order.reached(message.checkpoint);
        return;
      case "showing":
        this.measured.show(message);
        return;
      case "recovered":
        this.#life.degrade(null);
        return;
      case "trouble":
        this.#life.degrade(message.error);
        this.#log.degraded(message.error);
        return;
      case "finished":
        this.#life.finish();
        return;
      case "ended":
        this.#end(message.error);
        return;
      case "updated":
        this.#order.used(message.revision); // a trouble that they end is followed by `recovered`
        return;
      case "refused":
        this.#order.refused(message.revision); // `trouble` says why
        return;
      case "data":
        return; // changes nothing here: its readers get it
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
    this.#order.end(keptParams(this.params));
    this.onSize = null;
    await Promise.all([
      this.#events.close(failure),
      endOutput && withStreamLog(this.id, endOutput),
    ]);
    this.#life.release();
  }
}
