/** The channels beside a stream's media: reads updates from control, publishes events and data (protocol.md 5). */
import type { Endpoint } from "../../../engine/protocol/work.ts";
import { type PlainError, toPlainError } from "../../../errors.ts";
import { getLogger } from "../../../log.ts";
import { redactUrl } from "../../../redact-url.ts";
import { deleteChannel } from "../../../trickle/client/channel-requests.ts";
import { MessageWriter } from "../../../trickle/client/message-writer.ts";
import type { StreamEvent, StreamObserver } from "../../streams/observer.ts";
import type { Stream } from "../../streams/stream.ts";
import type { StreamControl } from "../control-protocol.ts";
import { ControlChannel } from "./control-channel.ts";
import { DataFeed, type DataFormat, type DataTiming } from "./data-feed.ts";
import { RepeatFilter } from "./repeat-filter.ts";
import { StreamVitals } from "./vitals.ts";

/** Any may be absent (protocol.md 1.4). */
export interface SideEndpoints {
  readonly control?: Endpoint;
  readonly events?: Endpoint;
  readonly data?: Endpoint;
}

export interface SideChannelTiming extends DataTiming {
  /** From a heartbeat to the next status and from that to the next heartbeat; also between two data stats. */
  readonly beatMs: number;
  /** Silence on control and input, after a first keep-alive, that means the gateway is gone; null: it means nothing. */
  readonly silenceMs: number | null;
  /** Silence after which events and data carry an empty segment. Absent: none, since some gateways take it for the end. */
  readonly emptySegmentMs?: number;
}

/** How a control protocol treats the channels. */
export interface SideChannelRules {
  /** Names what runs in events. */
  readonly pipeline: string;
  /** The fields in which callers name the channels, for messages. */
  readonly fields: Readonly<Record<keyof SideEndpoints, string>>;
  /**
   * `shared`: the other side made all channels of the stream and ends them together, so the stream ends with any of them,
   * and a stream that fails deletes its output. `separate`: the stream continues without a channel that is lost.
   */
  readonly fate: "shared" | "separate";
  /**
   * What becomes of control messages that are not objects, and of members that an update leaves out: skipped
   * (protocol.md 5.2), or reported by an `error` event.
   */
  readonly unapplied: "skipped" | "reported";
  readonly timing: SideChannelTiming;
}

export interface SideChannelsOptions {
  readonly channels: SideEndpoints;
  readonly dataFormat: DataFormat;
  readonly rules: SideChannelRules;
  readonly control: StreamControl;
}

const EVENTS = "ai_stream_events";
/** Events age; data of a stream is asked for by its client, and bridges an outage. */
const QUEUE_LENGTHS = { events: 16, data: 256 } as const;
const CONTENT_TYPES = { events: "application/json", data: "application/jsonl" } as const;
const log = getLogger("stream");

export class SideChannels implements StreamObserver {
  readonly #stream: Stream;
  readonly #options: SideChannelsOptions;
  readonly #vitals: StreamVitals;
  readonly #errors = new RepeatFilter();
  #control: ControlChannel | null = null;
  #events: MessageWriter | null = null;
  #data: DataFeed | null = null;
  #beat: Timer | null = null;

  constructor(stream: Stream, options: SideChannelsOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#vitals = new StreamVitals(stream, options.rules.pipeline);
  }

  /** Connects and publishes at once: a gateway hears of the stream before an engine or a model is ready. */
  open(): void {
    const { channels, dataFormat, rules } = this.#options;
    const { timing } = rules;
    if (channels.events) this.#events = this.#writer("events", channels.events);
    if (channels.data) {
      const writer = this.#writer("data", channels.data);
      this.#data = new DataFeed(writer, dataFormat, timing);
    }
    if (channels.control) this.#control = this.#readControl(channels.control);
    this.#publishTrace("runner_receive_stream_request");
    this.#publish("stream_heartbeat", this.#vitals.heartbeat());
    this.#publishStatus();
    let beats = 0;
    this.#beat = setInterval(() => {
      if (beats++ % 2 === 0) this.#publishStatus();
      else this.#publish("stream_heartbeat", this.#vitals.heartbeat());
      // Without figures the keep-alive of the data channel suffices.
      if (this.#stream.measured.isReported)
        this.#data?.send({ type: "stats", timestamp: Date.now(), stats: this.#stream.stats });
    }, timing.beatMs);
  }

  handle(event: StreamEvent): void {
    const before = this.#vitals.seen;
    if (this.#vitals.handle(event)) this.#control?.noteActivity();
    const { seen } = this.#vitals;
    const { input, output } = this.#stream.spec;
    if (input && seen.input && !before.input)
      this.#publishTrace("runner_receive_first_ingest_segment");
    if (output && seen.output && !before.output)
      this.#publishTrace("runner_send_first_processed_segment");
    this.#publishEvent(event);
    if (this.#vitals.hasChanged()) this.#publishStatus();
  }

  async close(error: PlainError | null): Promise<void> {
    if (this.#beat === null) return; // never opened
    clearInterval(this.#beat);
    this.#control?.[Symbol.dispose]();
    if (error) this.#publishError(error.message, { last: true });
    this.#publishStatus({ kept: true });
    this.#publish(EVENTS, { type: "stream_stopped", timestamp: Date.now() }, { kept: true });
    await Promise.all([this.#events?.close(), this.#data?.close()]);
    // The fastest way to make a gateway leave (protocol.md 4.6). After an end in order the orchestrator closes them all.
    const isFatal = error !== null && this.#options.rules.fate === "shared";
    const fatal = isFatal && (this.#openedOutput ?? this.#options.channels.data);
    if (fatal) await deleteChannel(fatal);
  }

  /** Only a channel that was opened may be deleted. */
  get #openedOutput(): Endpoint | undefined {
    return this.#stream.hasStarted ? this.#stream.spec.output?.endpoint : undefined;
  }

  #publishEvent(event: StreamEvent): void {
    switch (event.type) {
      case "params_changed":
        this.#publishToAll({
          type: "params_updated",
          timestamp: Date.now(),
          params: this.#stream.shownParams,
        });
        return;
      case "interrupted":
        this.#publishToAll({
          type: "restart",
          restart_count: this.#stream.stats.restarts,
          restart_time: Date.now(),
          restart_logs: [event.why],
        });
        return;
      case "trouble":
        this.#publishError(event.error.message);
        return;
      case "data":
        this.#data?.send(event);
        return;
      default:
        return;
    }
  }

  #readControl(endpoint: Endpoint): ControlChannel {
    const { control, rules } = this.#options;
    return new ControlChannel(endpoint, {
      silenceMs: rules.timing.silenceMs,
      unapplied: rules.unapplied,
      update: (body) => control.update(this.#stream, body),
      reportError: (message) => this.#publishError(message),
      onEnd: (error) => this.#lost("control", error),
    });
  }

  #writer(name: "events" | "data", endpoint: Endpoint): MessageWriter {
    const { emptySegmentMs } = this.#options.rules.timing;
    const contentType = CONTENT_TYPES[name];
    const writer = new MessageWriter(endpoint, {
      contentType,
      queueLength: QUEUE_LENGTHS[name],
      ...(emptySegmentMs !== undefined && { emptySegmentMs }),
    });
    void writer.ended.then((end) => {
      if (end.kind === "lost") this.#lost(name, toPlainError(end.error));
      if (end.kind !== "closed") return;
      log.info("channel closed by the other side", { channel: redactUrl(endpoint.url) });
      this.#lost(name);
    });
    return writer;
  }

  /** A channel is gone; without an error, the other side has closed it. */
  #lost(name: keyof SideEndpoints, error?: PlainError): void {
    const { control, rules } = this.#options;
    const named = error && withField(rules.fields[name], error);
    if (rules.fate === "shared") control.end(this.#stream, named);
    else if (named)
      log.warn("stream continues without a channel", { channel: name, error: named.message });
  }

  /** Publishes each distinct failure once, and not too many; the last one always. */
  #publishError(message: string, { last = false } = {}): void {
    this.#vitals.failed(message);
    if (!this.#errors.isNew(message) && !last) return;
    this.#publishToAll(
      { type: "error", message, time: Date.now(), pipeline: this.#options.rules.pipeline },
      { kept: true },
    );
  }

  /** Also on the data channel: events never reach a client. */
  #publishToAll(event: object, options = {}): void {
    this.#publish(EVENTS, event, options);
    this.#data?.send(event);
  }

  /** The one event that a gateway stores, for its status endpoint. */
  #publishStatus(options = {}): void {
    this.#publish("ai_stream_status", this.#vitals.status(), options);
  }

  #publishTrace(type: string): void {
    this.#publish("stream_trace", { type, timestamp: Date.now() });
  }

  #publish(queue_event_type: string, event: object, options: { kept?: boolean } = {}): void {
    this.#events?.send(JSON.stringify({ event, queue_event_type }), options);
  }
}

/** Names the channel that failed by the caller's field: messages do not show its URL. */
const withField = (field: string, error: PlainError): PlainError => ({
  ...error,
  message: `${field}: ${error.message}`,
});
