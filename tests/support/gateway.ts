/** Simulates go-livepeer's gateway for one stream of a worker, with all watchdogs (protocol.md 4.4, 5, 6.3). */
import type { InputLoop } from "./gateway-input.ts";
import {
  type OrchestratorStreams,
  type RelayedAnswer,
  rolesOf,
  type StreamFlags,
} from "./gateway-orchestrator.ts";
import { OutputJudge } from "./gateway-output.ts";
import { StatusStore } from "./gateway-status.ts";
import { GatewayPublisher, readAsGateway, type SegmentUpload } from "./gateway-trickle.ts";
import { type ChannelRole, WATCHDOG_LIMITS, Watchdogs } from "./gateway-watchdogs.ts";
import { PacedInput } from "./paced-input.ts";

export interface GatewayOptions {
  readonly streams: OrchestratorStreams;
  readonly id: string;
  readonly flags: StreamFlags;
  readonly params?: object | null;
  /** The input to send; absent for a stream without ingress. */
  readonly input?: InputLoop;
}

/** An event as received by the gateway. */
export interface SeenEvent {
  /** `performance.now()` */
  readonly at: number;
  readonly queue: string;
  readonly event: Readonly<Record<string, unknown>>;
}

const KEEP_ALIVE_MS = 10_000;
const MAX_LINE_BYTES = 64 * 1024;

export class GatewayStandIn implements AsyncDisposable {
  readonly id: string;
  readonly watchdogs: Watchdogs;
  readonly status: StatusStore;
  readonly output: OutputJudge;
  readonly events: SeenEvent[] = [];
  readonly lines: string[] = [];
  readonly faults: string[] = [];
  framesSent = 0;
  readonly startAnswer: RelayedAnswer;
  readonly #options: GatewayOptions;
  readonly #over = new AbortController();
  readonly #tasks: Promise<unknown>[] = [];
  readonly #control: GatewayPublisher;
  readonly #timers: Timer[];
  readonly #input: PacedInput | null;
  #leaving = false;

  /** Throws with the worker's answer unless it succeeds. */
  static async start(options: GatewayOptions): Promise<GatewayStandIn> {
    const { streams, id, flags, params = null } = options;
    const answer = await streams.start(id, flags, { params, timeoutMs: WATCHDOG_LIMITS.startMs });
    if (answer.status !== 200) throw new Error(`start: ${answer.status} ${answer.text}`);
    return new GatewayStandIn(options, answer);
  }

  private constructor(options: GatewayOptions, startAnswer: RelayedAnswer) {
    const { streams, id, flags, input } = options;
    const now = performance.now();
    const { signal } = this.#over;
    this.id = id;
    this.#options = options;
    this.startAnswer = startAnswer;
    this.watchdogs = new Watchdogs(rolesOf(flags), now);
    this.status = new StatusStore({ orchestrator: "stand-in" }, now);
    this.output = new OutputJudge(input?.clapDelay ?? 0);
    this.#control = new GatewayPublisher(streams.url(id, "control"), signal);
    this.#input = flags.ingress && input ? new PacedInput(input, signal) : null;
    this.#timers = [
      setInterval(() => this.watchdogs.advance(performance.now()), 250),
      setInterval(() => this.control({ keep: "alive" }), KEEP_ALIVE_MS),
    ];
    this.#run("events", () => this.#readEvents());
    if (flags.data) this.#run("data", () => this.#readData());
    if (flags.egress) this.#run("output", () => this.#readOutput());
    const paced = this.#input;
    if (paced) this.#run("input", () => this.#ingest(paced));
  }

  /** Sends one message on the control channel. */
  control(message: object): void {
    const upload = this.#control.next();
    upload.write(new TextEncoder().encode(JSON.stringify(message)));
    this.watchdogs.wrote("control", performance.now());
    this.#settle("control", upload);
  }

  /** Stops sending from the next segment on; timestamps keep advancing. */
  pauseInput(): void {
    this.#input?.pause();
  }

  resumeInput(): void {
    this.#input?.resume();
  }

  /** The received events of a type. */
  seen(type: string): SeenEvent[] {
    return this.events.filter(({ event }) => event["type"] === type);
  }

  /** Declares that channels may end from now on. */
  leave(): void {
    this.#leaving = true;
  }

  /** Ends the stream like a gateway: calls the worker, then closes all channels. */
  async stop(): Promise<RelayedAnswer> {
    this.leave();
    const { streams, id } = this.#options;
    const answer = await streams.stop(id);
    if (answer.status !== 200) this.watchdogs.fire("stop", `${answer.status} ${answer.text}`);
    await this[Symbol.asyncDispose]();
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#options.streams.vanish(this.#options.id);
    this.#over.abort(new DOMException("the gateway leaves", "AbortError"));
    this.#input?.resume();
    await Promise.all(this.#tasks);
  }

  #run(role: ChannelRole, task: () => Promise<string>): void {
    const done = task().then(
      (end) => this.#ended(role, end),
      (error: unknown) => {
        if (!this.#over.signal.aborted) this.#ended(role, String(error));
      },
    );
    this.#tasks.push(done);
  }

  #ended(role: ChannelRole, end: string): void {
    if (!this.#leaving) this.watchdogs.fire("closed", `${role} channel: ${end}`);
  }

  #settle(role: ChannelRole, upload: SegmentUpload): void {
    const settled = upload.end().then(
      (status) => status === 200 || this.#ended(role, `upload answered ${status}`),
      (error: unknown) => this.#over.signal.aborted || this.#ended(role, String(error)),
    );
    this.#tasks.push(settled);
  }

  async #ingest(input: PacedInput): Promise<string> {
    const publisher = new GatewayPublisher(this.#url("input"), this.#over.signal);
    const unfinished = new Set<SegmentUpload>();
    let upload: SegmentUpload | null = null;
    for await (const { bytes, first, last, frames } of input.slices()) {
      if (first || upload === null) {
        upload = publisher.next();
        this.watchdogs.uploading(unfinished.size, performance.now());
        this.watchdogs.wrote("input", performance.now());
        unfinished.add(upload);
      }
      upload.write(bytes);
      if (!last) continue;
      this.#settle("input", upload);
      const done = upload;
      const forget = () => void unfinished.delete(done);
      upload.answered.then(forget, forget);
      this.framesSent += frames;
    }
    return "over"; // unreachable: the input is endless
  }

  async #readEvents(): Promise<string> {
    return this.#read("events", (text, now) => {
      const body = objectOf(text);
      if (body === null) return void this.faults.push(`event: ${text.slice(0, 200)}`);
      const event = isObject(body["event"]) ? body["event"] : body;
      this.watchdogs.event(now);
      if (event["type"] === "status") this.status.take(event, now);
      else this.status.at(now);
      this.events.push({ at: now, queue: String(body["queue_event_type"]), event });
    });
  }

  async #readData(): Promise<string> {
    return this.#read("data", (text) => {
      for (const line of text.split("\n").filter((one) => one !== "")) {
        if (Buffer.byteLength(line) >= MAX_LINE_BYTES) this.faults.push("a data line is too long");
        this.lines.push(line);
      }
    });
  }

  async #read(role: ChannelRole, take: (text: string, now: number) => void): Promise<string> {
    const reading = readAsGateway(this.#url(role), { signal: this.#over.signal });
    for (let one = await reading.next(); ; one = await reading.next()) {
      if (one.done) return one.value;
      const parts = await Array.fromAsync(one.value.bytes);
      const now = performance.now();
      this.watchdogs.wrote(role, now);
      if (parts.length > 0) take(Buffer.concat(parts).toString(), now);
    }
  }

  async #readOutput(): Promise<string> {
    const reading = readAsGateway(this.#url("output"), { signal: this.#over.signal });
    for (;;) {
      this.watchdogs.reading(performance.now());
      const one = await reading.next();
      if (one.done) return one.value;
      this.watchdogs.wrote("output", performance.now());
      const parts = await Array.fromAsync(one.value.bytes);
      await this.output.take(one.value.seq, Buffer.concat(parts));
    }
  }

  #url(role: ChannelRole): string {
    return this.#options.streams.url(this.#options.id, role);
  }
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function objectOf(text: string): Members | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null; // a gateway drops it, too
  }
}
