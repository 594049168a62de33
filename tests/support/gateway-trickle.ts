/** A trickle client that behaves like go-livepeer's (protocol.md 4.4), independent of the product's own. */

const TLS = { rejectUnauthorized: false };
const RETRY_MS = 300;
const RETRIES = 6;
/** Interval at which a waiting GET is sent again. */
const REFRESH_MS = 20_000;

/** Publishes from segment 0 on, keeps one POST connected ahead, and sends no Reset. */
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

  /** The segment to write now; the next one is connected already. */
  next(): SegmentUpload {
    const upload = this.#ahead;
    this.#seq++;
    this.#ahead = new SegmentUpload(this.#url, this.#seq, this.#signal);
    return upload;
  }

  /** Ends the channel for everybody. */
  async close(): Promise<void> {
    await fetch(this.#url, { method: "DELETE", tls: TLS, keepalive: false });
    await this.#ahead.end().catch(() => {});
  }
}

export class SegmentUpload {
  readonly seq: number;
  /** Status of the answer; rejects if the connection broke. */
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
    if (controller === undefined) throw new Error("a stream's start() runs synchronously");
    this.#body = controller;
    this.answered = post(`${url}/${seq}`, body, signal);
    this.answered.catch(() => {}); // the writer handles it
  }

  /** Does nothing after an early answer. */
  write(bytes: Uint8Array): void {
    if (this.#open) this.#body.enqueue(bytes);
  }

  /** Ends the segment; resolves with the answer's status. */
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

/** A segment being read; read `bytes` to the end before asking for the next. */
export interface GatewaySegment {
  readonly seq: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Why reading ended. */
export type ReadingEnd = "closed" | "gone" | "retries exceeded";

/**
 * Reads from the next segment on, with one request connected ahead. After a 470 it continues at the newest segment; other
 * errors are retried six times. Throws only the signal's reason.
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
    request.catch(() => {}); // handled when it is awaited
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
