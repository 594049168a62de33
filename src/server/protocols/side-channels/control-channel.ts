/** Reads a stream's control channel: applies its updates in order, and notices when the gateway is gone (protocol.md 5.2). */
import type { Endpoint } from "../../../engine/protocol/work.ts";
import { type PlainError, toPlainError } from "../../../errors.ts";
import { getLogger } from "../../../log.ts";
import { redactUrl } from "../../../redact-url.ts";
import { shown } from "../../../shown-value.ts";
import { readMessages } from "../../../trickle/client/message-reader.ts";
import type { Remarks } from "../../streams/update.ts";
import { controlMessages } from "./control-message.ts";

export interface ControlChannelOptions {
  /** How long a gateway that sends keep-alives may be silent, on this channel and on the input; null: without limit. */
  readonly silenceMs: number | null;
  /** Whether messages that are not objects, and members that an update leaves out, are reported. */
  readonly unapplied: "skipped" | "reported";
  /** Applies an update. Throws WorkerError for what is wrong with it; any other error is logged as a fault of the server. */
  readonly update: (body: object) => Promise<Pick<Remarks, "ignored">>;
  /** Reports a message that could not be used. The stream continues. */
  readonly reportError: (message: string) => void;
  /** Called once when the channel or its gateway is gone; with an error, the channel was lost. */
  readonly onEnd: (error?: PlainError) => void;
}

/** The replay of an update's body is up to 10 MiB (protocol.md 5.2). */
const MAX_MESSAGE_BYTES = 12 * 1024 * 1024;
const log = getLogger("stream");

export class ControlChannel implements Disposable {
  readonly #options: ControlChannelOptions;
  readonly #closing = new AbortController();
  /** Runs from the first keep-alive on: direct clients may never send one. */
  #silence: Timer | null = null;

  /** Reads until disposed or ended. */
  constructor(endpoint: Endpoint, options: ControlChannelOptions) {
    this.#options = options;
    void this.#read(endpoint);
  }

  /** A sign of life from the gateway on another channel. */
  noteActivity(): void {
    this.#silence?.refresh();
  }

  [Symbol.dispose](): void {
    if (this.#silence) clearTimeout(this.#silence);
    this.#closing.abort(new DOMException("stream over", "AbortError"));
  }

  async #read(endpoint: Endpoint): Promise<void> {
    const { signal } = this.#closing;
    const { reportError, onEnd } = this.#options;
    try {
      // The channel is the stream's own: what was written before it was read is meant for the stream.
      const options = { signal, maxBytes: MAX_MESSAGE_BYTES, start: 0 };
      for await (const message of readMessages(endpoint, options)) {
        this.noteActivity();
        if (message.kind === "text") await this.#handle(message.text);
        else
          reportError(
            `control message of ${message.bytes} bytes is too long: at most ${MAX_MESSAGE_BYTES}`,
          );
      }
      if (signal.aborted) return;
      log.info("channel closed by the other side", { channel: redactUrl(endpoint.url) });
      onEnd();
    } catch (error) {
      if (!signal.aborted) onEnd(toPlainError(error));
    }
  }

  async #handle(text: string): Promise<void> {
    const { silenceMs, unapplied, reportError } = this.#options;
    for (const message of controlMessages(text)) {
      switch (message.kind) {
        case "keepalive":
          if (silenceMs !== null)
            this.#silence ??= setTimeout(() => this.#gatewayGone(), silenceMs);
          break;
        case "bad_json":
          reportError(`control message is not valid JSON: ${message.why}`);
          break;
        case "no_object":
          if (unapplied === "reported")
            reportError(`control message must be a JSON object, got ${shown(message.value)}`);
          break;
        case "update":
          await this.#update(message.body);
          break;
        default:
          message satisfies never;
      }
    }
  }

  async #update(body: object): Promise<void> {
    const { update, unapplied, reportError } = this.#options;
    try {
      const { ignored } = await update(body);
      if (unapplied === "reported" && ignored.length > 0)
        reportError(`parameters ignored: ${ignored.join(", ")}`);
    } catch (error) {
      reportError(`parameters not applied: ${toPlainError(error).message}`);
    }
  }

  #gatewayGone(): void {
    const silence_ms = this.#options.silenceMs;
    log.info("gateway is gone: neither control messages nor input", { silence_ms });
    this.#options.onEnd();
  }
}
