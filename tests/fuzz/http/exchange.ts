/** Speaks HTTP/1.1 byte for byte on a connection of its own, so that nothing is normalized and lies are possible. */

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** As UTF-8. */
  readonly body: string;
}

export interface Exchange {
  /** Whole answers, in order. */
  readonly answers: readonly Answer[];
  /** Bytes after the last whole answer. */
  readonly rest: string;
  /** Whether the server closed the connection. */
  readonly closed: boolean;
}

export interface Speaking {
  readonly port: number;
  /** Sent one after the other. */
  readonly pieces: readonly (string | Uint8Array)[];
  /** Between two pieces. Default: none. */
  readonly pauseMs?: number;
  /** Leaves once so many answers are here, or when the server closes. Default: 1. */
  readonly answers?: number;
  /** Leaves after this time whatever happens. Default: 5 s. */
  readonly patienceMs?: number;
  /** Whether the answers have bodies; those to HEAD have none. Default: true. */
  readonly hasBodies?: boolean;
}

const PATIENCE_MS = 5000;

/** Sends all pieces and reads until enough is here. Never rejects for what the server does. */
export async function exchange({
  port,
  pieces,
  pauseMs = 0,
  answers: wanted = 1,
  patienceMs = PATIENCE_MS,
  hasBodies = true,
}: Speaking): Promise<Exchange> {
  const over = Promise.withResolvers<boolean>();
  const received: Buffer[] = [];
  const queue = pieces.map((piece) => Buffer.from(piece));
  let read = parse(Buffer.alloc(0), hasBodies);
  let waiting: Timer | undefined;
  const send = (socket: { write(bytes: Uint8Array): number }): void => {
    const piece = queue.shift();
    if (piece === undefined) return;
    const sent = Math.max(0, socket.write(piece));
    if (sent < piece.length)
      queue.unshift(piece.subarray(sent)); // until it drains
    else if (pauseMs === 0) send(socket);
    else waiting = setTimeout(send, pauseMs, socket);
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: send,
      drain: send,
      data: (_, bytes) => {
        received.push(Buffer.from(bytes));
        read = parse(Buffer.concat(received), hasBodies);
        if (read.answers.length >= wanted) over.resolve(false);
      },
      close: () => over.resolve(true),
      error: () => over.resolve(true),
    },
  });
  const timer = setTimeout(() => over.resolve(false), patienceMs);
  const closed = await over.promise;
  clearTimeout(timer);
  clearTimeout(waiting);
  socket.terminate();
  return { ...read, closed };
}

/** Takes whole answers from the front of what has arrived. */
function parse(bytes: Buffer, hasBodies: boolean): Omit<Exchange, "closed"> {
  const answers: Answer[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [first = "", ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0);
    const headers = new Headers();
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    const payload = rest.subarray(end + 4);
    const body = hasBodies ? bodyIn(payload, headers) : { bytes: Buffer.alloc(0), length: 0 };
    if (body === null) break;
    if (status !== 100)
      answers.push({ status, headers, bytes: body.bytes, body: body.bytes.toString() });
    rest = payload.subarray(body.length);
  }
  return { answers, rest: rest.toString("latin1") };
}

interface Body {
  readonly bytes: Buffer;
  /** On the wire. */
  readonly length: number;
}

/** The body, where it has arrived whole. */
function bodyIn(payload: Buffer, headers: Headers): Body | null {
  if (headers.get("transfer-encoding") === "chunked") return chunkedBody(payload);
  const length = Number(headers.get("content-length") ?? 0);
  return payload.length < length ? null : { bytes: payload.subarray(0, length), length };
}

function chunkedBody(payload: Buffer): Body | null {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = payload.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(payload.subarray(at, line).toString("latin1"), 16);
    const next = line + 2 + size + 2;
    if (!(payload.length >= next)) return null;
    if (size === 0) return { bytes: Buffer.concat(chunks), length: next };
    chunks.push(payload.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

export interface RawHead {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The head of a request, with nothing added. */
export const headOf = ({ method, target, headers }: RawHead): string =>
  `${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
