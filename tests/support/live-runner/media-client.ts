/** A session's client as livepeer-gateway's is: publishes its input in real time, reads the output, and judges it. */
import { TricklePublisher } from "../../../src/trickle/client/publisher.ts";
import type { InputLoop } from "../gateway-input.ts";
import { OutputJudge } from "../gateway-output.ts";
import { type ReadingEnd, readAsGateway } from "../gateway-trickle.ts";
import { PacedInput } from "../paced-input.ts";
import type { AppAnswer, ClientSession } from "./client-session.ts";
import { JsonWatch } from "./json-watch.ts";

/** The newest segment, where a reader joins. */
const NEWEST = -2;
const OUTPUT_END_MS = 10_000;

export class MediaClient implements AsyncDisposable {
  readonly session: ClientSession;
  /** The answer to the start. */
  readonly started: AppAnswer;
  readonly output: OutputJudge;
  /** What arrived on the channels that the start asked for. */
  readonly events = new JsonWatch("events");
  readonly data = new JsonWatch("data");
  framesSent = 0;
  /** `performance.now()` of the first byte of output; null before. */
  firstOutputAt: number | null = null;
  /** Output segments whose connection broke. */
  torn = 0;
  /** Between the starts of two output segments. */
  longestGapMs = 0;
  /** Resolves with the reason when the output ends, or with null when this client left first. */
  readonly outputEnded: Promise<ReadingEnd | null>;
  readonly #input: PacedInput;
  readonly #stopSending = new AbortController();
  readonly #left = new AbortController();
  readonly #sending: Promise<void>;
  #publisher: TricklePublisher | null = null;

  /** Throws with the app's answer unless the session starts. */
  static async start(
    session: ClientSession,
    input: InputLoop,
    params: object = {},
  ): Promise<MediaClient> {
    const started = await session.post("/stream", params);
    if (started.status !== 200)
      throw new Error(`/stream: ${started.status} ${JSON.stringify(started.body)}`);
    return new MediaClient(session, input, started);
  }

  private constructor(session: ClientSession, input: InputLoop, started: AppAnswer) {
    this.session = session;
    this.started = started;
    this.output = new OutputJudge(input.clapDelay);
    this.#input = new PacedInput(input, this.#stopSending.signal);
    this.#sending = this.#send(started.body.in).catch(() => {}); // a channel that is gone ends the output, too
    const { signal } = this.#left;
    const unlessLeft = (error: unknown): null => {
      if (!signal.aborted) throw error;
      return null;
    };
    this.outputEnded = this.#read(started.body.out).catch(unlessLeft);
    void this.outputEnded.finally(() => this.#stopSending.abort());
    const { events, data } = started.body;
    if (events) void this.events.read(events, signal).catch(unlessLeft);
    if (data) void this.data.read(data, signal).catch(unlessLeft);
  }

  /** Stops sending from the next segment on; timestamps keep advancing. */
  pauseInput(): void {
    this.#input.pause();
  }

  resumeInput(): void {
    this.#input.resume();
  }

  /** Closes the input and waits for the end of the output; returns the milliseconds that it took. */
  async finish(): Promise<number> {
    this.#stopSending.abort();
    await this.#sending;
    const begun = performance.now();
    await this.#publisher?.close();
    await this.#publisher?.deleteChannel();
    const late = Bun.sleep(OUTPUT_END_MS).then(() => this.#left.abort());
    await Promise.race([this.outputEnded, late]);
    return performance.now() - begun;
  }

  /** Leaves without a word, as a client that was killed: no channel is closed, no session is stopped. */
  async vanish(): Promise<void> {
    this.#stopSending.abort();
    this.#left.abort();
    await this.#publisher?.abort();
    await this.#sending;
    await this.outputEnded;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.vanish();
  }

  async #send(url: string): Promise<void> {
    const signal = this.#left.signal;
    this.#publisher = await TricklePublisher.open({ url }, { contentType: "video/mp2t", signal });
    const writer = this.#publisher.writable.getWriter();
    for await (const { bytes, first, frames } of this.#input.slices()) {
      await writer.write({ data: bytes, first });
      this.framesSent += frames;
    }
  }

  async #read(url: string): Promise<ReadingEnd> {
    let begunAt = performance.now();
    const reading = readAsGateway(url, { signal: this.#left.signal, start: NEWEST });
    for (let one = await reading.next(); ; one = await reading.next()) {
      if (one.done) return one.value;
      const now = performance.now();
      const parts = await Array.fromAsync(one.value.bytes).catch(() => null);
      if (parts === null) this.torn++; // the next read shows whether the channel is gone, too
      if (parts === null || parts.length === 0) continue;
      if (this.firstOutputAt !== null)
        this.longestGapMs = Math.max(this.longestGapMs, now - begunAt);
      this.firstOutputAt ??= now;
      begunAt = now;
      await this.output.take(one.value.seq, Buffer.concat(parts));
    }
  }
}
