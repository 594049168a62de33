/** One live stream in this engine: its channels, its pipeline, and how it ends. */
import { type PlainError, toPlainError, WorkerError } from "../errors.ts";
import type { Fragment } from "../media/fragment.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../media/time.ts";
import { endWhen } from "../streams/end-when.ts";
import { TricklePublisher } from "../trickle/publisher.ts";
import { subscribe } from "../trickle/subscriber.ts";
import type { ModelHost } from "./inference/model-host.ts";
import { Pipeline, type Source } from "./pipeline.ts";
import {
  ACCEPT_MS,
  channelFields,
  checkChannel,
  checkModel,
  isRemoved,
  refusalOf,
} from "./preflight.ts";
import type {
  Checkpoint,
  Endpoint,
  EngineOptions,
  FromEngine,
  StreamParams,
  StreamSpec,
  StreamStats,
} from "./protocol.ts";
import { clock } from "./source/clock.ts";
import { demux } from "./source/demux.ts";
import { InputWatch } from "./source/input-watch.ts";
import { Timeline } from "./source/timeline.ts";
import { StreamCounters } from "./stream-stats.ts";

/** After this long a stream that was asked to end is cut off. */
const STOP_MS = 3000;
const DEFAULT_FPS = 24;
const CONTENT_TYPES = { fmp4: "video/mp4", mpegts: "video/mp2t" } as const;

export interface SessionOptions {
  readonly id: string;
  readonly spec: StreamSpec;
  readonly params: StreamParams;
  readonly resume?: Checkpoint;
  readonly host: ModelHost;
  readonly engine: Pick<EngineOptions, "device" | "frame_queue" | "max_frame_age_ms">;
  readonly send: (message: FromEngine) => void;
}

export class StreamSession {
  readonly #options: SessionOptions;
  readonly #counters = new StreamCounters();
  /** Ends the source; what is under way is still sent. */
  readonly #end = new AbortController();
  /** Cuts everything off. */
  readonly #abort = new AbortController();
  #params: StreamParams;
  #publisher: TricklePublisher | null = null;
  #pipeline: Pipeline | null = null;
  #packetsDropped: () => number = () => 0;
  #bytesIn: () => number = () => 0;
  #segmentStart: Fragment | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#params = options.params;
  }

  /** Native frames that are not freed. */
  get frames(): number {
    return this.#pipeline?.frames ?? 0;
  }

  /** From the next frame on. */
  update(params: StreamParams): void {
    this.#params = params;
  }

  /** Lets what is under way leave, then ends; cut off after 3 s. */
  stop(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new DOMException("stream stopped", "AbortError"));
    const cut = setTimeout(() => this.#abort.abort(new WorkerError("timeout", "cut off")), STOP_MS);
    this.#abort.signal.addEventListener("abort", () => clearTimeout(cut), { once: true });
  }

  stats(): StreamStats {
    const published = this.#publisher?.stats;
    return this.#counters.snapshot({
      segments_out: published?.segments ?? 0,
      segments_skipped: published?.segmentsSkipped ?? 0,
      bytes_out: published?.bytes ?? 0,
      packetsDropped: this.#packetsDropped(),
      model: this.#params.model,
      device: this.#options.engine.device,
    });
  }

  /** From the first request to the last release. Tells the server of its end; never rejects. */
  async run(): Promise<void> {
    const { id, send } = this.#options;
    try {
      await this.#run();
      send({ type: "stats", id, stats: this.stats() });
      send({ type: "ended", id });
    } catch (error) {
      const meant = this.#end.signal.aborted || (await this.#outputRemoved());
      send({ type: "stats", id, stats: this.stats() });
      send({ type: "ended", id, ...(meant ? {} : { error: toPlainError(error) }) });
    } finally {
      this.#abort.abort(new DOMException("stream over", "AbortError"));
    }
  }

  async #run(): Promise<void> {
    const { id, spec, send, host } = this.#options;
    const fields = channelFields(spec);
    await checkModel(this.#params.model, host);
    if (spec.input) await checkChannel(fields.input, spec.input, this.#abort.signal);
    this.#publisher = spec.output ? await this.#openPublisher(spec.output) : null;
    try {
      send({ type: "started", id });
      if (spec.input || spec.output) await this.#flow();
      else await fired(this.#end.signal);
    } finally {
      await this.#publisher?.close();
      if (spec.owns_output) await this.#publisher?.deleteChannel();
    }
  }

  /** From the source to the output, until one of them ends. */
  async #flow(): Promise<void> {
    const { id, spec, send, resume, host, engine } = this.#options;
    const after = resume ? resumePoint(resume) : null;
    this.#pipeline = new Pipeline({
      host,
      key: id,
      source: this.#source(after),
      output: this.#publisher && this.#measured(this.#publisher.writable),
      container: spec.container,
      segmentSeconds: spec.segment_seconds,
      after,
      ...(resume?.ts && { continuity: resume.ts }),
      frameQueue: engine.frame_queue,
      maxFrameAgeMs: engine.max_frame_age_ms,
      params: () => this.#params,
      signal: this.#abort.signal,
      onDrop: () => this.#counters.framesDropped++,
      onUnseen: ({ arrivedAt }) => this.#counters.frameOut(performance.now() - arrivedAt),
      onInference: (ms) => this.#counters.inference.add(ms),
      onApplied: () => send({ type: "updated", id }),
      onModel: (provider) => {
        this.#counters.executionProvider = provider;
      },
      onTrouble: (error) => this.#report(error),
    });
    using _watch = this.#watch();
    await this.#pipeline.run();
  }

  /** True if the stream is over because another side, which owns the output channel, closed or removed it. */
  async #outputRemoved(): Promise<boolean> {
    const { output, owns_output } = this.#options.spec;
    if (owns_output || !output || !this.#publisher) return false;
    const { kind } = await this.#publisher.ended;
    return kind === "closed_by_peer" || (kind === "lost" && (await isRemoved(output)));
  }

  /** What is wrong while the stream goes on, told when it begins and when it is over. */
  #report(error: PlainError | null): void {
    const { id, send } = this.#options;
    if (error) send({ type: "trouble", id, error });
    else send({ type: "recovered", id });
  }

  #watch(): InputWatch {
    return new InputWatch({
      bytesIn: () => this.#bytesIn(),
      framesIn: () => this.#counters.framesIn,
      framesOut: () => this.#counters.framesOut,
      report: (error) => this.#report(error),
    });
  }

  async #openPublisher(output: Endpoint): Promise<TricklePublisher> {
    const { spec, resume } = this.#options;
    try {
      return await TricklePublisher.open(output, {
        contentType: CONTENT_TYPES[spec.container],
        create: spec.owns_output,
        resume: resume !== undefined,
        acceptTimeoutMs: ACCEPT_MS,
        signal: this.#abort.signal,
        onSegment: ({ seq }) => this.#checkpoint(seq),
      });
    } catch (error) {
      throw refusalOf(channelFields(spec).output, error);
    }
  }

  #checkpoint(seq: number): void {
    const { id, send } = this.#options;
    const start = this.#segmentStart;
    if (!start) return;
    const { pts, width, height } = start;
    const ts = this.#pipeline?.continuity;
    const checkpoint = { seq, pts, at: Date.now(), size: { width, height }, ...(ts && { ts }) };
    send({ type: "checkpoint", id, checkpoint });
  }

  #source(after: Ticks | null): Source {
    const { spec } = this.#options;
    const end = this.#end.signal;
    if (!spec.input) {
      const start = ticks((after ?? 0) + (after === null ? 0 : TICKS_PER_SECOND / DEFAULT_FPS));
      const pace = clock(start, () => this.#params.fps ?? DEFAULT_FPS);
      const counted = new TransformStream({
        transform: (tick, controller) => {
          this.#counters.frameIn();
          controller.enqueue(tick);
        },
      });
      return { kind: "clock", ticks: endWhen(pace, end).pipeThrough(counted) };
    }
    const segments = subscribe(spec.input, { signal: this.#abort.signal });
    const packets = demux(endWhen(segments, end), {
      timeline: new Timeline(after),
      onVideo: () => this.#counters.frameIn(),
    });
    this.#packetsDropped = packets.dropped;
    this.#bytesIn = packets.bytes;
    return { kind: "input", packets, audio: spec.audio };
  }

  /** The publisher, with every frame's way out timed and every segment's start remembered. */
  #measured(output: WritableStream<Fragment>): WritableStream<Fragment> {
    const { id, send } = this.#options;
    const writer = output.getWriter();
    let size = "";
    return new WritableStream<Fragment>({
      // A channel that is closed while nothing is written ends the stream too.
      start: (controller) => void writer.closed.catch((error) => controller.error(error)),
      write: async (fragment) => {
        if (fragment.first) this.#segmentStart = fragment;
        const { width, height, arrivedAt } = fragment;
        if (size !== `${width}x${height}`) send({ type: "size", id, width, height });
        size = `${width}x${height}`;
        await writer.write(fragment);
        if (arrivedAt !== null) this.#counters.frameOut(performance.now() - arrivedAt);
      },
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    });
  }
}

/** Everything up to here may have been sent by the engine that died: as much media as time has passed. */
const resumePoint = (checkpoint: Checkpoint): Ticks =>
  ticks(checkpoint.pts + Math.round(((Date.now() - checkpoint.at) * TICKS_PER_SECOND) / 1000));

const fired = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
