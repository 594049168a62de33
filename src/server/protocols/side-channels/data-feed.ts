/** Publishes objects on a data channel as JSON Lines: in batches, in either of two formats, with keep-alives (protocol.md 5.4). */
import { getLogger } from "../../../log.ts";
import type { MessageWriter } from "../../../trickle/client/message-writer.ts";

/** `lists`: a line is a list of JSON texts, as pytrickle sends them; `lines`: a line is an object. */
export type DataFormat = "lists" | "lines";

export interface DataTiming {
  /** Objects of this many milliseconds leave together. */
  readonly batchMs: number;
  /** Silence after which a keep-alive leaves: trickle servers close a channel that is idle for minutes. Null: none leaves. */
  readonly keepAliveMs: number | null;
}

/** A gateway reads a segment with a longer line again and again. */
const MAX_LINE_BYTES = 60 * 1024;
/** Clients of orchestrators read segments of up to 1 MiB (live-runner.md 5.1). */
const MAX_SEGMENT_BYTES = 1_000_000;
const log = getLogger("stream");

/** Publishes segments. */
type Writer = Pick<MessageWriter, "send" | "close">;

export class DataFeed {
  readonly #writer: Writer;
  readonly #format: DataFormat;
  readonly #timing: DataTiming;
  readonly #keepAlive: Timer | null;
  #pending: string[] = [];
  #batch: Timer | null = null;
  #hasWarned = false;

  /** Takes over the writer: `close` closes it. */
  constructor(writer: Writer, format: DataFormat, timing: DataTiming) {
    this.#writer = writer;
    this.#format = format;
    this.#timing = timing;
    const { keepAliveMs } = timing;
    this.#keepAlive =
      keepAliveMs === null ? null : setInterval(() => this.#sendKeepAlive(), keepAliveMs);
  }

  /** Queues an object; it leaves within `batchMs`. */
  send(message: object): void {
    this.#pending.push(JSON.stringify(message));
    this.#batch ??= setTimeout(() => this.#flush(), this.#timing.batchMs);
  }

  /** Sends what is pending within the time that the writer takes to close. */
  async close(): Promise<void> {
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#flush();
    await this.#writer.close();
  }

  #flush(): void {
    if (this.#batch !== null) clearTimeout(this.#batch);
    this.#batch = null;
    const lines = this.#format === "lists" ? asLists(this.#pending) : this.#pending;
    const fitting = lines.filter((line) => Buffer.byteLength(line) <= MAX_LINE_BYTES);
    if (fitting.length < lines.length && !this.#hasWarned) {
      this.#hasWarned = true;
      log.warn("data dropped: longer than a line may be", { limit_bytes: MAX_LINE_BYTES });
    }
    this.#pending = [];
    if (fitting.length === 0) return;
    this.#keepAlive?.refresh();
    for (const segment of asSegments(fitting)) this.#writer.send(segment);
  }

  /** An empty list for readers of lists, an object like any other for readers of objects. */
  #sendKeepAlive(): void {
    this.#writer.send(this.#format === "lists" ? "[]" : '{"type":"keepalive"}');
  }
}

/** Lists of texts, each as long as a line may be. */
function asLists(texts: readonly string[]): string[] {
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

/** Lines joined to segments, each as long as a segment may be. */
function asSegments(lines: readonly string[]): string[] {
  const segments: string[][] = [];
  let room = 0;
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (bytes > room) {
      segments.push([]);
      room = MAX_SEGMENT_BYTES;
    }
    segments.at(-1)?.push(line);
    room -= bytes;
  }
  return segments.map((each) => each.join("\n"));
}
