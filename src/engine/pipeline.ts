/** Connects the stages of a stream: the whole data flow in one expression. */
import type { PlainError } from "../errors.ts";
import type { OutputPacket } from "../media/encoded-packet.ts";
import type { Fragment } from "../media/fragment.ts";
import type { Ticks } from "../media/time.ts";
import { type Newest, type NewestOptions, newest } from "../streams/newest.ts";
import { type Stage, StageGroup } from "../streams/stage.ts";
import type { OutputAudioFormat } from "./codec/audio-target.ts";
import { type DecodeStage, decode } from "./codec/decode-stream.ts";
import { encode } from "./codec/encode-stream.ts";
import { FramePool, type Tick, VideoFrame } from "./codec/video-frame.ts";
import { noAudio, type OutputAudio, outputAudio } from "./output-audio.ts";
import type { PipelineObserver } from "./pipeline-observer.ts";
import { type InferOptions, InferStage } from "./plan/infer-stage.ts";
import type { PipelineDebug } from "./protocol/debug.ts";
import type { AudioMode, Container, TsContinuity } from "./protocol/work.ts";
import { segmentFmp4 } from "./segment/fmp4-segmenter.ts";
import { interleave } from "./segment/interleave.ts";
import { TsSegmenter } from "./segment/ts-segmenter.ts";
import type { DemuxedInput } from "./source/demux.ts";
import { capRate } from "./source/rate-cap.ts";

/** Where frames come from: the packets of a channel, or the ticks of a clock. */
export type Source =
  | { readonly kind: "input"; readonly packets: DemuxedInput; readonly audio: AudioMode }
  | { readonly kind: "clock"; readonly ticks: ReadableStream<Tick> };

export interface PipelineOptions
  extends Omit<InferOptions, "pool" | "hasInput" | "deadlineOf" | "after"> {
  readonly source: Source;
  /** Null: frames are made and thrown away, without an encoder. */
  readonly output: WritableStream<Fragment> | null;
  readonly container: Container;
  readonly segmentSeconds: number;
  /** Frames up to this time have been sent by another engine. */
  readonly after: Ticks | null;
  /** The audio format that another engine began the output with; null: without audio. */
  readonly settledAudio?: OutputAudioFormat | null;
  /** The state in which another engine left an MPEG-TS output. */
  readonly continuity?: TsContinuity;
  readonly frameQueue: number;
  readonly maxFrameAgeMs: number;
  readonly observer: PipelineObserver;
  /** Aborts at once. To end in good order, end the source. */
  readonly signal: AbortSignal;
}

/** Finished items that may wait between two stages, so that neighbours overlap (architecture.md 5). */
const OVERLAP = 1;

/** Decoded frames that may wait for inference: 20 of 1080p, 2 of 4096². */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** As 4:2:0 with 8 bits, which nearly all video is. */
const frameBytes = ({ width, height }: VideoFrame): number => width * height * 1.5;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #stages = new StageGroup();
  readonly #pool = new FramePool();
  #segmenter: TsSegmenter | null = null;
  #outputAudio: OutputAudio | null = null;
  /** Null before and after `run`. */
  #inferStage: InferStage | null = null;
  #waiting: Newest<Tick> | null = null;
  /** Null for a stream without input. */
  #decoder: DecodeStage | null = null;
  #segmentWanted = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Native frames that are not freed. */
  get frames(): number {
    return this.#pool.live;
  }

  /** Frames that wait for inference. */
  get waitingFrames(): number {
    return this.#waiting?.waiting ?? 0;
  }

  /** A picture of the input is being decoded: it is large, the machine is busy, or the decoder hangs. */
  get isDecoding(): boolean {
    return this.#decoder?.isBusy ?? false;
  }

  /** The models in use, and the load that the stream waits for. */
  get models(): Pick<PipelineDebug, "models" | "loading"> {
    return this.#inferStage?.debug ?? { models: [], loading: null };
  }

  /** The state that another engine needs to continue an MPEG-TS output; null before its first segment. */
  get continuity(): TsContinuity | null {
    return this.#segmenter?.continuity ?? null;
  }

  /** The format of the output's audio, null without any; undefined before its first segment. */
  get settledAudio(): OutputAudioFormat | null | undefined {
    return this.#outputAudio?.settled();
  }

  /** The parameters have changed: what they ask for is loaded at once, however long the frame in progress takes. */
  prepare(): void {
    this.#inferStage?.prepare();
  }

  /** The next frame begins a segment: the channel lost the rest of the one before. */
  requestSegment(): void {
    this.#segmentWanted = true;
  }

  /** Runs until the source has ended and everything is written; rejects with what failed. Releases everything. */
  async run(): Promise<void> {
    const { source, output, signal, segmentSeconds, after, observer, container } = this.#options;
    const { calls } = this.#options;
    const bitrate = (): number | undefined => this.#options.params().bitrate;
    const profile = container === "mpegts" ? ({ profile: "baseline" } as const) : {};
    const stages = this.#stages;
    try {
      const inference = this.#inference(source);
      this.#inferStage = inference;
      inference.prepare(); // the model loads while the input connects
      const queue = newest(this.#queue(source, inference));
      this.#waiting = queue;
      const pictures = this.#frames(source)
        .pipeThrough(queue)
        .pipeThrough(stages.add(inference, OVERLAP));
      const audio = this.#audio(source);
      this.#outputAudio = audio;
      if (!output) return await pictures.pipeTo(this.#nowhere(), { signal });
      const segmentWanted = () => this.#takeRequest();
      const timing = { segmentSeconds, after, segmentWanted };
      const encoder = encode({ ...timing, bitrate, observer, calls, ...profile });
      const encoded = pictures.pipeThrough(stages.add(encoder, OVERLAP));
      await interleave(encoded, audio)
        .pipeThrough(stages.add(this.#counted(this.#segment(audio))))
        .pipeTo(output, { signal });
    } finally {
      this.#inferStage = null;
      await stages.settled().finally(() => this.#pool[Symbol.dispose]());
    }
  }

  #takeRequest(): boolean {
    const wanted = this.#segmentWanted;
    this.#segmentWanted = false;
    return wanted;
  }

  #frames(source: Source): ReadableStream<Tick> {
    const { observer, calls } = this.#options;
    if (source.kind === "clock") return source.ticks;
    const pool = this.#pool;
    const outputSize = () => this.#options.params().size ?? null;
    this.#decoder = decode({ pool, outputSize, observer, calls });
    return source.packets.video
      .pipeThrough(this.#stages.add(this.#decoder, OVERLAP))
      .pipeThrough(capRate({ fps: () => this.#options.params().fps, observer }));
  }

  /** Where frames wait for inference, and the newest wins. */
  #queue(source: Source, inference: InferStage): NewestOptions<Tick> {
    const { frameQueue, maxFrameAgeMs, observer } = this.#options;
    return {
      capacity: frameQueue,
      dueAt: (tick) => this.#dueAt(source, tick),
      maxLateMs: maxFrameAgeMs,
      bytesOf: (frame) => (frame instanceof VideoFrame ? frameBytes(frame) : 0),
      maxBytes: MAX_FRAME_BYTES,
      ready: () => inference.ready(),
      onDrop: (frame, why) => {
        if (frame instanceof VideoFrame) frame[Symbol.dispose]();
        if (inference.isStarting) observer.frameSkipped();
        else observer.frameDropped(why);
      },
    };
  }

  /** `performance.now()` at which a frame should be made. */
  #dueAt(source: Source, { pts, arrivedAt }: Tick): number {
    return source.kind === "input" ? source.packets.dueAt(pts) : arrivedAt;
  }

  #inference(source: Source): InferStage {
    const hasInput = source.kind === "input";
    const deadlineOf = (tick: Tick): number =>
      this.#dueAt(source, tick) + this.#options.maxFrameAgeMs;
    return new InferStage({ ...this.#options, pool: this.#pool, hasInput, deadlineOf });
  }

  #audio(source: Source): OutputAudio {
    if (source.kind === "clock") return noAudio();
    const { output, container, observer, calls, settledAudio: settled } = this.#options;
    const mode = output ? source.audio : "none";
    const stages = this.#stages;
    return outputAudio(source.packets, { mode, container, settled, stages, observer, calls });
  }

  #segment(audio: OutputAudio): Stage<OutputPacket, Fragment> {
    const { container, continuity, observer } = this.#options;
    const promisedAudio = audio.promised;
    if (container === "fmp4") return segmentFmp4({ promisedAudio });
    const resume = continuity && { resume: continuity };
    const onTrouble = (error: PlainError) => observer.trouble("audio", error);
    this.#segmenter = new TsSegmenter({ promisedAudio, onTrouble, ...resume });
    return this.#segmenter;
  }

  /** The segmenter, with its audio packets reported. */
  #counted(segmenter: Stage<OutputPacket, Fragment>): Stage<OutputPacket, Fragment> {
    const { observer } = this.#options;
    return {
      transform(packet, controller) {
        if (packet.kind === "audio") observer.audioOut(packet);
        return segmenter.transform(packet, controller);
      },
      flush: (controller) => segmenter.flush?.(controller),
      cancel: (reason) => segmenter.cancel?.(reason),
      dispose: () => segmenter.dispose?.(),
    };
  }

  #nowhere(): WritableStream<VideoFrame> {
    return new WritableStream({
      write: (frame) => {
        this.#options.observer.frameUnpublished(frame);
        frame[Symbol.dispose]();
      },
    });
  }
}
