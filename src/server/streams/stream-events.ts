/** Sends the events of a stream to its recent-events record, the readers of its data, and its observer. */
import type { DataReport } from "../../engine/protocol/messages.ts";
import type { PlainError } from "../../errors.ts";
import { withStreamLog } from "../../log.ts";
import { DataOutput } from "./data-output.ts";
import type { StreamEvent, StreamObserver } from "./observer.ts";
import { RecentEvents } from "./recent-events.ts";
import type { Stream } from "./stream.ts";

/** What an observer logs names the stream. */
export class StreamEvents {
  readonly recent = new RecentEvents();
  /** What its model says about its frames. */
  readonly data: DataOutput;
  readonly #streamId: string;
  /** Null before `follow` and after `close`, and for a stream that nobody follows. */
  #observer: StreamObserver | null = null;

  constructor({ id, logId }: Pick<Stream, "id" | "logId">) {
    this.#streamId = id;
    this.data = new DataOutput(logId, (event) => this.#observer?.handle(event));
  }

  /** Call once: the observer that `observe` returns follows the stream from now on. */
  follow(observe: () => StreamObserver | null): void {
    this.#observer = withStreamLog(this.#streamId, observe);
  }

  /** The stream's turn has come: no other stream uses its channels. */
  open(): void {
    withStreamLog(this.#streamId, () => this.#observer?.open());
  }

  /** Call after the stream itself has taken the event in. */
  report(event: Exclude<StreamEvent, { type: "data" }> | DataReport): void {
    if (event.type === "data") {
      this.data.publish(event);
      return;
    }
    this.recent.record(event);
    if (event.type !== "ended") this.#observer?.handle(event); // `close` tells it of the end
  }

  /** The stream is over. Settles when everything that its observer opened is released. */
  close(error: PlainError | null): Promise<void> {
    const observer = this.#observer;
    this.#observer = null;
    return withStreamLog(this.#streamId, () => observer?.close(error) ?? Promise.resolve());
  }
}
