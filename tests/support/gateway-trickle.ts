/** A trickle client in the manner of go-livepeer's (protocol.md 4.4), apart from the product's own. */

const TLS = { rejectUnauthorized: false };
const RETRY_MS = 300;
const RETRIES = 6;
/** A GET that waits is sent anew so often. */
const REFRESH_MS = 20_000;

/** Starts at 0, holds one connected POST ahead, sends no Reset. */
export class GatewayPublisher {
  readonly #url: string;
  readonly #signal: AbortSignal;
  #seq = 0;
  #ahead: SegmentUpload;

  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
    this.#ahead = new SegmentUpload(url, 0, signal);
  }

  /** The segment to write now; the next is connected. */
  next(): SegmentUpload {
    const upload = this.#ahead;
    this.#seq++;
    this.#ahead = new SegmentUpload(this.#url, this.#seq, this.#signal);
    return upload;
  }

  /** Ends the channel for all. */
  async close(): Promise<void> {
    await fetch(this.#url, { method: "DELETE", tls: TLS, keepalive: false });
    await this.#ahead.end().catch(() => {});
  }
}

export class SegmentUpload {
  readonly seq: number;
  /** The answer's status; rejects when the connection broke. */
  readonly answered: Promise<number>;
  readonly #body: ReadableStreamDefaultController<Uint8Array>;
  #open = true;

  constructor(url: string, seq: number, signal: AbortSignal) {
    this.seq = seq;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given;
      },
      cancel: () => {
        this.#open = false;
      },
    });
    if (controller === undefined) throw new Error("a stream's start runs at once");
    this.#body = controller;
    this.answered = post(`${url}/${seq}`, body, signal);
    this.answered.catch(() => {}); // whoever writes to it looks
  }

  /** After an early answer it does nothing. */
  write(bytes: Uint8Array): void {
    if (this.#open) this.#body.enqueue(bytes);
  }

  /** The status of the whole. */
  end(): Promise<number> {
    if (this.#open) this.#body.close();
    this.#open = false;
    return this.answered;
  }
}

async function post(url: string, body: ReadableStream, signal: AbortSignal): Promise<number> {
  const headers = { "Content-Type": "video/MP2T", Connection: "close" };
  const init = { method: "POST", headers, body, signal, tls: TLS, timeout: false as const };
  const answer = await fetch(url, init);
  await answer.text();
  return answer.status;
}

/** A segment being read; `bytes` must be read to the end before the next is asked for. */
export interface GatewaySegment {
  readonly seq: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Why reading ended. */
export type ReadingEnd = "closed" | "gone" | "retries exceeded";

/**
 * Reads from the next segment to be written on, one connected ahead. 470 goes to the newest, other errors are retried
 * six times. Throws only the signal's reason.
 */
export async function* readAsGateway(
  url: string,
  { signal, start = -1 }: { readonly signal: AbortSignal; readonly start?: number },
): AsyncGenerator<GatewaySegment, ReadingEnd, void> {
  let wanted = start;
  let request = get(`${url}/${wanted}`, signal);
  for (let retries = 0; ; ) {
    const answer = await request.catch(() => null);
    signal.throwIfAborted();
    if (answer?.status === 404) return "gone";
    if (answer?.headers.get("Lp-Trickle-Closed")) return "closed";
    if (answer?.status !== 200) {
      if (retries++ > RETRIES) return "retries exceeded";
      await Bun.sleep(RETRY_MS);
      if (answer?.status === 470) wanted = Number(answer.headers.get("Lp-Trickle-Latest"));
      request = get(`${url}/${wanted}`, signal);
      continue;
    }
    retries = 0;
    const seq = Number(answer.headers.get("Lp-Trickle-Seq"));
    wanted = seq + 1;
    request = get(`${url}/${wanted}`, signal);
    request.catch(() => {}); // looked at when its turn comes
    yield { seq, bytes: answer.body ?? NOTHING };
  }
}

const NOTHING: AsyncIterable<Uint8Array> = (async function* () {})();

async function get(url: string, signal: AbortSignal): Promise<Response> {
  for (;;) {
    const stale = new AbortController();
    const timer = setTimeout(() => stale.abort(), REFRESH_MS);
    try {
      const headers = { Connection: "close" };
      const either = AbortSignal.any([signal, stale.signal]);
      return await fetch(url, { headers, signal: either, tls: TLS, timeout: false as const });
    } catch (error) {
      if (signal.aborted || !stale.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
