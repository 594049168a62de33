/** Reads and formats HTTP/1.1 messages piece by piece, so that a relay can break them anywhere. */
import type { Socket } from "node:net";

export interface Head {
  /** The request line or the status line. */
  readonly start: string;
  /** Names as they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const MAX_LINE_BYTES = 64 * 1024;
/** Belongs to one connection: a relay frames bodies itself. */
const FRAMING = ["content-length", "transfer-encoding", "connection", "keep-alive"];

export const header = ({ headers }: Head, name: string): string | undefined =>
  headers.find(([other]) => other.toLowerCase() === name)?.[1];

/** A head whose body is framed by `framing`, if it has one, and after which the connection closes. */
export const framed = ({ start, headers }: Head, framing: string | null): string => {
  const others = headers.filter(([name]) => !FRAMING.includes(name.toLowerCase()));
  const lines = [start, ...others.map(([name, value]) => `${name}: ${value}`)];
  if (framing !== null) lines.push(framing);
  return `${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`;
};

export const CHUNKED = "Transfer-Encoding: chunked";
export const END_OF_CHUNKS = "0\r\n\r\n";

/** A piece of a body in chunked coding. */
export const formatChunk = (data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${data.byteLength.toString(16)}\r\n`), data, Buffer.from("\r\n")]);

/** The messages that one side of a connection sends. Reads no further than it is asked to. */
export class HttpWire {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#pieces = socket[Symbol.asyncIterator]();
  }

  /** The next head; null if the sender has ended before it. Throws if the connection breaks. */
  async head(): Promise<Head | null> {
    const start = await this.#line();
    if (start === null) return null;
    const headers: [string, string][] = [];
    for (;;) {
      const line = await this.#line();
      if (line === null) return null;
      if (line === "") return { start, headers };
      const colon = line.indexOf(":");
      headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
  }

  /** The body that follows a head, without its framing. Throws where it breaks off. */
  async *body(head: Head): AsyncGenerator<Buffer> {
    const length = header(head, "content-length");
    if (header(head, "transfer-encoding") === "chunked") yield* this.#chunks();
    else if (length !== undefined) yield* this.#bytes(Number(length));
    else if (head.start.startsWith("HTTP/")) yield* this.#bytes(Number.POSITIVE_INFINITY);
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const length = Number.parseInt((await this.#line()) ?? "", 16);
      if (Number.isNaN(length)) throw new Error("the connection broke in the middle of a body");
      if (length > 0) yield* this.#bytes(length);
      await this.#line();
      if (length === 0) return;
    }
  }

  /** Up to the sender's end if `count` is infinite. */
  async *#bytes(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#read())) {
        if (count === Number.POSITIVE_INFINITY) return;
        throw new Error("the connection broke in the middle of a body");
      }
      const piece = this.#rest.subarray(0, Math.min(left, this.#rest.length));
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async #line(): Promise<string | null> {
    for (;;) {
      const end = this.#rest.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#rest.toString("latin1", 0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw new Error("a line of a head is too long");
      if (!(await this.#read())) return null;
    }
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#pieces.next();
    if (done) return false;
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}
