/** The whole data flow of a stream, from left to right. */
import type { Fragment } from "../media/fragment.ts";
import type { Ticks } from "../media/time.ts";
import { type NewestOptions, newest } from "../streams/newest.ts";
import { pushable } from "../streams/push-readable.ts";
import { StageGroup } from "../streams/stage.ts";
import { decode } from "./codec/decode-stream.ts";
import { encode } from "./codec/encode-stream.ts";
import { FramePool, type Tick, VideoFrame } from "./codec/video-frame.ts";
import { type InferOptions, infer } from "./inference/infer-stream.ts";
import { segmentFmp4 } from "./segment/fmp4-segmenter.ts";
import { interleave } from "./segment/interleave.ts";
import type { DemuxedInput } from "./source/demux.ts";

/** What comes in: the packets of a channel, or a clock's ticks. */
export type Source =
  | { readonly kind: "input"; readonly packets: DemuxedInput; readonly audio: boolean }
  | { readonly kind: "clock"; readonly ticks: ReadableStream<Tick> };

export interface PipelineOptions extends Omit<InferOptions, "pool" | "hasInput"> {
  readonly source: Source;
  readonly output: WritableStream<Fragment>;
  readonly segmentSeconds: number;
  /** Nothing up to this time is sent again. */
  readonly after: Ticks | null;
  readonly frameQueue: number;
  readonly maxFrameAgeMs: number;
  /** Aborts at once. To end in good order, end the source. */
  readonly signal: AbortSignal;
}

/** Finished items that may wait between two stages, so that neighbours overlap (architecture.md 5). */
const OVERLAP = 1;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #stages = new StageGroup();
  readonly #pool = new FramePool();

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Native frames that are not freed. */
  get frames(): number {
    return this.#pool.live;
  }

  /** Resolves when the source has ended and all of it is written; rejects with what broke it. Releases everything. */
  async run(): Promise<void> {
    const { source, output, signal, segmentSeconds, after, onDrop } = this.#options;
    const bitrate = (): number | undefined => this.#options.params().bitrate;
    const stages = this.#stages;
    try {
      const pictures = this.#frames(source)
        .pipeThrough(newest(this.#dropping(source)))
        .pipeThrough(stages.add(infer(this.#inference(source)), OVERLAP))
        .pipeThrough(stages.add(encode({ segmentSeconds, after, bitrate, onDrop }), OVERLAP));
      await interleave(pictures, ...soundOf(source))
        .pipeThrough(stages.add(segmentFmp4()))
        .pipeTo(output, { signal });
    } finally {
      await stages.settled().finally(() => this.#pool[Symbol.dispose]());
    }
  }

  #frames(source: Source): ReadableStream<Tick> {
    const { onDrop } = this.#options;
    if (source.kind === "clock") return source.ticks;
    return source.packets.video.pipeThrough(
      this.#stages.add(decode({ pool: this.#pool, onDrop }), OVERLAP),
    );
  }

  #dropping(source: Source): NewestOptions<Tick> {
    const { frameQueue, maxFrameAgeMs, onDrop } = this.#options;
    return {
      capacity: frameQueue,
      dueAt: ({ pts, arrivedAt }) =>
        source.kind === "input" ? source.packets.dueAt(pts) : arrivedAt,
      maxLateMs: maxFrameAgeMs,
      onDrop: (frame) => {
        if (frame instanceof VideoFrame) frame[Symbol.dispose]();
        onDrop();
      },
    };
  }

  #inference(source: Source): InferOptions {
    return { ...this.#options, pool: this.#pool, hasInput: source.kind === "input" };
  }
}

/** The sound that goes along, and whether some is to be expected. */
function soundOf(source: Source): [DemuxedInput["audio"], () => boolean] {
  if (source.kind === "input" && source.audio) {
    return [source.packets.audio, () => source.packets.hasAudio()];
  }
  const none = pushable<never>();
  none.end();
  if (source.kind === "input") void source.packets.audio.cancel();
  return [none.readable, () => false];
}
