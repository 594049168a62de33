/** Hides the channels beside the media that an orchestrator gives a stream: control in, events and data out. */
import type { Endpoint } from "../../../engine/protocol/work.ts";
import { type PlainError, reason, toPlainError, WorkerError } from "../../../errors.ts";
import { getLogger } from "../../../log.ts";
import { redactUrl } from "../../../redact-url.ts";
import { deleteChannel } from "../../../trickle/client/channel-requests.ts";
import { readMessages } from "../../../trickle/client/json-reader.ts";
import { JsonWriter } from "../../../trickle/client/json-writer.ts";
import type { Stream, StreamNews, StreamObserver } from "../../streams/stream.ts";
import { controlMessages } from "./control-message.ts";
import { DataFeed, type DataFormat, type DataTiming } from "./data-feed.ts";
import { RepeatFilter } from "./repeat-filter.ts";
import { StreamVitals } from "./vitals.ts";

/** Any may be absent (protocol.md 1.4). */
export interface NetworkChannels {
  readonly control: Endpoint | null;
  readonly events: Endpoint | null;
  readonly data: Endpoint | null;
}

export interface NetworkTiming extends DataTiming {
  /** From a heartbeat to the next status, and from that to the next heartbeat; also from one data stats to the next. */
  readonly beatMs: number;
  /** So long without control and input after a keep-alive, and the gateway is gone. */
  readonly silenceMs: number;
}

/** protocol.md 5.2 to 5.4. */
export const NETWORK_TIMING: NetworkTiming = {
  beatMs: 5000,
  silenceMs: 60_000,
  batchMs: 333,
  keepAliveMs: 25_000,
};

export interface NetworkOptions {
  readonly channels: NetworkChannels;
  readonly dataFormat: DataFormat;
  readonly timing: NetworkTiming;
  /** Applies an update; throws what is wrong with it. */
  readonly update: (record: Stream, body: object) => Promise<unknown>;
  /** Ends the stream; with an error it has failed. */
  readonly stop: (record: Stream, error?: PlainError) => void;
}

/** Replays of an update body are up to 10 MiB (protocol.md 5.2). */
const MAX_CONTROL_BYTES = 12 * 1024 * 1024;
const EVENTS = "ai_stream_events";
const log = getLogger("stream");

export class ByocChannels implements StreamObserver {
  readonly #record: Stream;
  readonly #options: NetworkOptions;
  readonly #vitals: StreamVitals;
  readonly #over = new AbortController();
  readonly #errors = new RepeatFilter();
  #events: JsonWriter | null = null;
  #data: DataFeed | null = null;
  #beat: Timer | null = null;
  #silence: Timer | null = null;

  constructor(record: Stream, options: NetworkOptions) {
    this.#record = record;
    this.#options = options;
    this.#vitals = new StreamVitals(record);
  }

  /** Connects, and says so at once: whatever becomes of engine and model, a gateway hears of the stream. */
  begin(): void {
    const { channels, dataFormat, timing } = this.#options;
    const { control, events, data } = channels;
    if (events) this.#events = this.#writer(events, "application/json");
    if (data) {
      const writer = this.#writer(data, "application/jsonl");
      this.#data = new DataFeed(writer, dataFormat, timing);
    }
    if (control) void this.#obey(control);
    this.#trace("runner_receive_stream_request");
    this.#say("stream_heartbeat", this.#vitals.heartbeat());
    this.#sayStatus();
    let beats = 0;
    this.#beat = setInterval(() => {
      if (beats++ % 2 === 0) this.#sayStatus();
      else this.#say("stream_heartbeat", this.#vitals.heartbeat());
      // A stream without figures leaves the line to the keep-alive.
      if (this.#record.isMeasured)
        this.#data?.send({ type: "stats", ...this.#timed(), stats: this.#record.stats });
    }, timing.beatMs);
  }

  heard(news: StreamNews): void {
    const before = this.#vitals.seen;
    if (this.#vitals.heard(news)) this.#silence?.refresh();
    const { seen } = this.#vitals;
    const { input, output } = this.#record.spec;
    if (input && seen.input && !before.input) this.#trace("runner_receive_first_ingest_segment");
    if (output && seen.output && !before.output) this.#trace("runner_send_first_processed_segment");
    this.#report(news);
    if (this.#vitals.hasTurned()) this.#sayStatus();
  }

  #report(news: StreamNews): void {
    switch (news.type) {
      case "changed": {
        const updated = { type: "params_updated", ...this.#timed() };
        this.#tell({ ...updated, params: this.#record.shownParams });
        return;
      }
      case "interrupted":
        this.#tell({
          type: "restart",
          restart_count: this.#record.stats.restarts,
          restart_time: Date.now(),
          restart_logs: [],
        });
        return;
      case "trouble":
        this.#fault(news.error.message);
        return;
      default:
        return;
    }
  }

  async end(error: PlainError | null): Promise<void> {
    if (this.#beat === null) return; // its turn never came
    clearInterval(this.#beat);
    if (this.#silence) clearTimeout(this.#silence);
    this.#over.abort(new DOMException("stream over", "AbortError"));
    if (error) this.#fault(error.message, { last: true });
    this.#sayStatus({ kept: true });
    this.#say(EVENTS, { type: "stream_stopped", ...this.#timed() }, { kept: true });
    await Promise.all([this.#events?.close(), this.#data?.close()]);
    // The fastest way to make a gateway leave. On an orderly end the orchestrator closes all channels itself.
    const fatal = error && (this.#record.spec.output ?? this.#options.channels.data);
    if (fatal) await deleteChannel(fatal);
  }

  #writer(channel: Endpoint, contentType: string): JsonWriter {
    const writer = new JsonWriter(channel, { contentType });
    void writer.ended.then((end) => {
      if (end.kind === "closed") this.#closed(channel);
      if (end.kind === "lost") this.#options.stop(this.#record, toPlainError(end.error));
    });
    return writer;
  }

  #closed({ url }: Endpoint): void {
    log.info("channel closed by the other side", { channel: redactUrl(url) });
    this.#options.stop(this.#record);
  }

  async #obey(channel: Endpoint): Promise<void> {
    const { signal } = this.#over;
    try {
      for await (const message of readMessages(channel, { signal, maxBytes: MAX_CONTROL_BYTES })) {
        this.#silence?.refresh();
        if (message.kind === "text") await this.#take(message.text);
        else this.#fault(`control message of ${message.bytes} bytes: at most ${MAX_CONTROL_BYTES}`);
      }
      this.#closed(channel);
    } catch (error) {
      if (!signal.aborted) this.#options.stop(this.#record, toPlainError(error));
    }
  }

  async #take(text: string): Promise<void> {
    for (const message of controlMessages(text)) {
      switch (message.kind) {
        case "keepalive":
          this.#silence ??= setTimeout(() => this.#lonely(), this.#options.timing.silenceMs);
          break;
        case "bad_json":
          this.#fault(`control message is no JSON: ${message.why}`);
          break;
        case "update":
          try {
            await this.#options.update(this.#record, message.body);
          } catch (error) {
            if (!(error instanceof WorkerError))
              log.error("update failed", { error: reason(error) });
            this.#fault(`parameters not applied: ${toPlainError(error).message}`);
          }
          break;
        default:
          message satisfies never;
      }
    }
  }

  #lonely(): void {
    const silence_ms = this.#options.timing.silenceMs;
    log.info("gateway is gone: neither control messages nor input", { silence_ms });
    this.#options.stop(this.#record);
  }

  /** Each distinct failure, and not too many; the last one in any case. */
  #fault(message: string, { last = false } = {}): void {
    this.#vitals.failed(message);
    if (!this.#errors.isNew(message) && !last) return;
    this.#tell({ type: "error", message, time: Date.now(), pipeline: "byoc" }, { kept: true });
  }

  /** Also on the data channel: events never reach a client. */
  #tell(event: object, options = {}): void {
    this.#say(EVENTS, event, options);
    this.#data?.send(event);
  }

  /** The one event that a gateway keeps, for those who ask it how the stream is. */
  #sayStatus(options = {}): void {
    this.#say("ai_stream_status", this.#vitals.status(), options);
  }

  #trace(type: string): void {
    this.#say("stream_trace", { type, ...this.#timed() });
  }

  #say(queue_event_type: string, event: object, options: { kept?: boolean } = {}): void {
    this.#events?.send(JSON.stringify({ event, queue_event_type }), options);
  }

  #timed(): { readonly timestamp: number } {
    return { timestamp: Date.now() };
  }
}
