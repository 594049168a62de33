/** Runs the stream that a fault strikes: with input in real time, and channels at a trickle server that misbehaves on command. */
import type { ReadMedia } from "../../support/clip-reader.ts";
import { FrameWatch } from "../../support/frame-watch.ts";
import { type ChannelName, makeChannels } from "../../support/orchestrator-channels.ts";
import type { TrickleHost } from "../../support/trickle-host.ts";
import { waitFor } from "../../support/wait-for.ts";
import { ClipFeed } from "../input/clip-feed.ts";
import type { FaultyTrickle } from "../peer/faulty-trickle.ts";
import type { Fault, FaultSite } from "./fault.ts";
import type { Worker } from "./worker.ts";

/** The rate of its input. */
export const VICTIM_FPS = 15;
const MODEL = "identity";
/** Short, so that a second segment soon proves that an engine delivers. */
const SEGMENT_SECONDS = 0.5;
const SEED_FIELDS = { prompts: [{ prompt: "a" }], width: 128, height: 128 };
/** A client that waits longer than that for a start or a stop has given up. */
const ANSWER_MS = 15_000;

/** A control message that has no effect by then is taken to be lost. */
const LOST_AFTER_MS = 10_000;

/** An answer as the client sees it; status 0 if there was none. */
export interface Answer {
  readonly status: number;
  readonly code: string | null;
  /** The id that a started stream got. */
  readonly stream: string | null;
  readonly ms: number;
}

export interface VictimParts {
  readonly id: string;
  readonly fault: Fault;
  readonly worker: Worker;
  /** Has the victim's channels. */
  readonly host: TrickleHost;
  /** In front of `host`; the victim's own. */
  readonly trickle: FaultyTrickle;
  readonly media: ReadMedia;
}

export class Victim implements AsyncDisposable {
  readonly feed: ClipFeed;
  readonly #parts: VictimParts;
  readonly #channels: Readonly<Record<string, string>>;
  #watch: FrameWatch | null = null;
  /** Null before it is started, and where the start was refused. */
  #stream: string | null = null;

  /** Makes its channels and begins with its input. */
  static async prepare(parts: VictimParts): Promise<Victim> {
    const { host, id, media } = parts;
    const feed = await ClipFeed.open({ url: host.url(id), container: "mpegts", media });
    return new Victim(parts, feed, await makeChannels(host, id, outputsOf(parts.fault)));
  }

  private constructor(parts: VictimParts, feed: ClipFeed, channels: Record<string, string>) {
    this.#parts = parts;
    this.feed = feed;
    this.#channels = channels;
  }

  get site(): FaultSite {
    const { worker, trickle, fault } = this.#parts;
    const model = String(fault.params?.["model"] ?? MODEL);
    return {
      worker,
      trickle,
      input: this.feed,
      stream: this.#stream === null ? null : { id: this.#stream, model },
    };
  }

  /** Its output. Throws before the start. */
  get output(): FrameWatch {
    if (this.#watch === null) throw new Error("the victim has not been started");
    return this.#watch;
  }

  /** Frames that are missing in its output, by media time. */
  get lost(): number {
    return this.#watch?.missing ?? 0;
  }

  async start(): Promise<Answer> {
    const { host, id } = this.#parts;
    this.#watch = new FrameWatch(host.url(`${id}-out`), VICTIM_FPS, {
      container: this.#isSeed ? "fmp4" : "mpegts",
      readTimeoutMs: 300,
    });
    const answer = await this.#ask("POST", "/stream/start", this.#startBody());
    if (answer.status === 200) this.#stream = this.#isSeed ? answer.stream : id;
    return answer;
  }

  stop(): Promise<Answer> {
    return this.#isSeed
      ? this.#ask("DELETE", `/stream/${this.#stream}`)
      : this.#ask("POST", "/stream/stop");
  }

  /** Whether it is over, and the kind of error that it ended with; `none` where it was stopped in order. */
  async ending(): Promise<{ readonly isOver: boolean; readonly kind: string }> {
    const { worker } = this.#parts;
    if (this.#stream === null) return { isOver: true, kind: "none" };
    const { status } = await worker.api.stream(this.#stream);
    if (status !== "error") return { isOver: status === "stopped", kind: "none" };
    return { isOver: true, kind: await worker.endKind(this.#stream) };
  }

  /** Sends a new prompt on its control channel, past the faults. Returns the milliseconds until it took effect; null if it did not. */
  async obeys(): Promise<number | null> {
    const begun = performance.now();
    const prompt = `sent at ${begun}`;
    const body = JSON.stringify({ prompts: [{ prompt }] });
    const { status } = await fetch(`${this.#channels["control_url"]}/-1`, { method: "POST", body });
    if (status !== 200) throw new Error(`a control message was answered with ${status}`);
    for (;;) {
      const { metadata } = await this.#parts.worker.api.stream(this.#stream ?? "");
      const ms = Math.round(performance.now() - begun);
      if (metadata.prompts?.[0]?.prompt === prompt) return ms;
      if (ms > LOST_AFTER_MS) return null;
      await Bun.sleep(20);
    }
  }

  /** Waits until output has flowed for a moment. */
  async flows(): Promise<void> {
    await waitFor("output of the victim", () => this.output.frames >= 1.5 * VICTIM_FPS, 45_000);
  }

  /** Ends what the harness holds; the worker's stream is the case's to stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await this.feed[Symbol.asyncDispose]();
    await this.#parts.trickle[Symbol.asyncDispose]();
    for (const url of Object.values(this.#channels)) await fetch(url, { method: "DELETE" });
  }

  get #isSeed(): boolean {
    return this.#parts.fault.victim === "seed";
  }

  #startBody(): object {
    const { trickle, host, fault, id } = this.#parts;
    const { publish_url = "", ...side } = this.#channels;
    const input = trickle.input.through(host.url(id));
    const output = trickle.output.through(publish_url);
    const params = { model: MODEL, segment_seconds: SEGMENT_SECONDS, ...fault.params };
    if (this.#isSeed) return { ...SEED_FIELDS, ...params, input_url: input, stream_url: output };
    const sides = Object.entries(side).map(([field, url]) => [field, trickle.side.through(url)]);
    return {
      gateway_request_id: id,
      subscribe_url: input,
      publish_url: output,
      params,
      ...Object.fromEntries(sides),
    };
  }

  async #ask(method: string, path: string, body?: object): Promise<Answer> {
    const begun = performance.now();
    const ms = () => Math.round(performance.now() - begun);
    try {
      const response = await fetch(`${this.#parts.worker.url}${path}`, {
        method,
        headers: {
          "content-type": "application/json",
          connection: "close",
          ...(this.#isSeed ? {} : { "x-stream-id": this.#parts.id }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const { code = null, manifest_id = null } = (await response.json()) as {
        code?: string;
        manifest_id?: string;
      };
      return { status: response.status, code, stream: manifest_id, ms: ms() };
    } catch {
      return { status: 0, code: null, stream: null, ms: ms() };
    }
  }
}

const outputsOf = ({ victim }: Fault): ChannelName[] =>
  victim === "seed" ? ["publish"] : ["publish", "control", "events", "data"];
