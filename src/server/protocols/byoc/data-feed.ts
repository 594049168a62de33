/** Hides how objects go out as JSON Lines: batches, the two forms, the longest line, keep-alives (protocol.md 5.4). */
import { getLogger } from "../../../log.ts";
import type { JsonWriter } from "../../../trickle/client/json-writer.ts";

/** `arrays`: a line is a list of JSON texts, as pytrickle sends them; `lines`: a line is an object. */
export type DataFormat = "arrays" | "lines";

export interface DataTiming {
  /** Objects of so many milliseconds leave together. */
  readonly batchMs: number;
  /** After so much silence a keep-alive leaves: a channel that is idle for minutes is closed. */
  readonly keepAliveMs: number;
}

/** A longer line makes a gateway read the same segment again and again. */
const MAX_LINE_BYTES = 60 * 1024;
const log = getLogger("stream");

/** Where segments go. */
type Writer = Pick<JsonWriter, "send" | "close">;

export class DataFeed {
  readonly #writer: Writer;
  readonly #format: DataFormat;
  readonly #timing: DataTiming;
  readonly #keepAlive: Timer;
  #pending: string[] = [];
  #batch: Timer | null = null;

  /** `close` closes the writer. */
  constructor(writer: Writer, format: DataFormat, timing: DataTiming) {
    this.#writer = writer;
    this.#format = format;
    this.#timing = timing;
    this.#keepAlive = setInterval(() => this.#sayAlive(), timing.keepAliveMs);
  }

  /** Leaves within `batchMs`. Never waits. */
  send(message: object): void {
    this.#pending.push(JSON.stringify(message));
    this.#batch ??= setTimeout(() => this.#flush(), this.#timing.batchMs);
  }

  /** Sends what is pending, as far as that goes within the writer's time. */
  async close(): Promise<void> {
    clearInterval(this.#keepAlive);
    this.#flush();
    await this.#writer.close();
  }

  #flush(): void {
    if (this.#batch !== null) clearTimeout(this.#batch);
    this.#batch = null;
    const lines = this.#format === "arrays" ? asArrays(this.#pending) : this.#pending;
    const fitting = lines.filter((line) => Buffer.byteLength(line) <= MAX_LINE_BYTES);
    if (fitting.length < lines.length)
      log.warn("data left out: longer than a line may be", { limit_bytes: MAX_LINE_BYTES });
    this.#pending = [];
    if (fitting.length === 0) return;
    this.#keepAlive.refresh();
    this.#writer.send(fitting.join("\n"));
  }

  /** An empty list for readers of lists, an object like any other for readers of objects. */
  #sayAlive(): void {
    this.#writer.send(this.#format === "arrays" ? "[]" : '{"type":"keepalive"}');
  }
}

/** As many texts a line as it may hold. */
function asArrays(texts: readonly string[]): string[] {
  const lines: string[][] = [];
  let room = 0;
  for (const text of texts) {
    const quoted = JSON.stringify(text);
    const bytes = Buffer.byteLength(quoted) + 1;
    if (bytes > room) {
      lines.push([]);
      room = MAX_LINE_BYTES - 2;
    }
    lines.at(-1)?.push(quoted);
    room -= bytes;
  }
  return lines.map((line) => `[${line.join(",")}]`);
}
