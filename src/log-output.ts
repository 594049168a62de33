/** Writes log lines to a stream whose reader may be slow or gone: what waits for it is bounded, and the rest is counted. */

/** Characters that may wait for the reader. */
const MAX_WAITING = 1024 * 1024;

/** `process.stderr`, or another stream: calls back when the text was written, or never will be. */
export interface LogStream {
  write(text: string, done: () => void): unknown;
}

export class LogOutput {
  readonly #stream: LogStream;
  readonly #onLost: (lines: number) => void;
  #waiting = 0;
  #lost = 0;

  /** `onLost` gets the number of lines that were left out, once there is room again. */
  constructor(stream: LogStream, onLost: (lines: number) => void) {
    this.#stream = stream;
    this.#onLost = onLost;
  }

  write(line: string): void {
    if (this.#waiting + line.length > MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting += line.length;
    this.#stream.write(line, () => this.#written(line.length));
  }

  #written(length: number): void {
    this.#waiting -= length;
    if (this.#lost === 0 || this.#waiting > MAX_WAITING / 2) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#onLost(lost);
  }
}
