/** Holds messages that wait for their channel; drops the oldest when there are too many, or too many bytes. */

export interface QueuedMessage {
  readonly data: Uint8Array;
  /** Dropped only if there is no other to drop. */
  readonly kept: boolean;
}

const MAX_BYTES = 16 * 1024 * 1024;

export class MessageQueue {
  readonly #messages: QueuedMessage[] = [];
  readonly #maxLength: number;
  #bytes = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  add(message: QueuedMessage): void {
    this.#messages.push(message);
    this.#bytes += message.data.byteLength;
    while (this.#messages.length > this.#maxLength || this.#bytes > MAX_BYTES) this.#dropOne();
  }

  /** Removes the oldest message. */
  take(): QueuedMessage | undefined {
    const message = this.#messages.shift();
    this.#bytes -= message?.data.byteLength ?? 0;
    return message;
  }

  /** Returns a message that was taken to the front. */
  putBack(message: QueuedMessage): void {
    this.#messages.unshift(message);
    this.#bytes += message.data.byteLength;
  }

  clear(): void {
    this.#messages.length = 0;
    this.#bytes = 0;
  }

  #dropOne(): void {
    const droppable = this.#messages.findIndex(({ kept }) => !kept);
    const [dropped] = this.#messages.splice(Math.max(0, droppable), 1);
    this.#bytes -= dropped?.data.byteLength ?? 0;
  }
}
