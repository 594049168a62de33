/** Shows how far a transfer is: a bar on a terminal, plain lines elsewhere. */
import { formatBytes } from "../engine/models/regular-file.ts";
import { printable } from "./printable.ts";

/** Shows one transfer after the other. */
export interface Progress {
  /**
   * Begins a transfer of `total` bytes (null where nobody knows), of which `done` are there already.
   *
   * @param label what is transferred, for people
   */
  start(label: string, total: number | null, done?: number): Transfer;
}

export interface Transfer {
  advance(bytes: number): void;
  /** Sets how much is there and how much there will be, e.g. when a server starts from the beginning again. */
  restart(total: number | null, done: number): void;
  end(): void;
}

/** A terminal, or anything else that text is written to. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 5000;
/** What is smaller and quicker is not shown. */
const SMALL_BYTES = 2 ** 20;
const BAR_CELLS = 24;
const ERASE_LINE = "\r\x1b[K";

/** @param now a clock in milliseconds */
export function createProgress(
  output: ProgressOutput,
  now: () => number = () => performance.now(),
): Progress {
  return {
    start: (label, total, done = 0) => new ShownTransfer(output, now, label, total, done),
  };
}

class ShownTransfer implements Transfer {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #label: string;
  #total: number | null;
  #done: number;
  /** Where the rate is measured from. */
  #since: { at: number; done: number };
  #shownAt: number;
  #isShown = false;

  constructor(
    output: ProgressOutput,
    now: () => number,
    label: string,
    total: number | null,
    done: number,
  ) {
    this.#output = output;
    this.#now = now;
    this.#label = printable(label);
    this.#total = total;
    this.#done = done;
    this.#since = { at: now(), done };
    this.#shownAt = now();
  }

  advance(bytes: number): void {
    this.#done += bytes;
    const interval = this.#output.isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS;
    if (this.#now() - this.#shownAt >= interval) this.#show();
  }

  restart(total: number | null, done: number): void {
    this.#total = total;
    this.#done = done;
    this.#since = { at: this.#now(), done };
  }

  end(): void {
    if (!this.#isShown && this.#done < SMALL_BYTES) return;
    this.#show();
    if (this.#output.isTTY) this.#output.write("\n");
  }

  #show(): void {
    this.#shownAt = this.#now();
    this.#isShown = true;
    if (!this.#output.isTTY) {
      this.#output.write(`${this.#label}: ${this.#amount()}\n`);
      return;
    }
    const text = `${this.#label}  ${this.#bar()}${this.#amount()}${this.#rate()}`;
    // A line that wraps cannot be erased. Terminals that do not know their width say 0.
    this.#output.write(`${ERASE_LINE}${text.slice(0, (this.#output.columns || 80) - 1)}`);
  }

  #amount(): string {
    if (this.#total === null) return formatBytes(this.#done);
    const percent = this.#total === 0 ? 100 : Math.floor((100 * this.#done) / this.#total);
    return `${formatBytes(this.#done)} of ${formatBytes(this.#total)} (${percent} %)`;
  }

  #bar(): string {
    if (this.#total === null) return "";
    const part = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    return `[${"#".repeat(Math.round(part * BAR_CELLS)).padEnd(BAR_CELLS, "-")}]  `;
  }

  #rate(): string {
    const seconds = (this.#now() - this.#since.at) / 1000;
    const rate = (this.#done - this.#since.done) / seconds;
    if (seconds < 1 || rate <= 0) return "";
    const left = this.#total === null ? "" : `, ${clock((this.#total - this.#done) / rate)} left`;
    return `  ${formatBytes(Math.round(rate))}/s${left}`;
  }
}

const clock = (seconds: number): string => {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};
