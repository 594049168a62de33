/** Runs a complete pipeline in this process, fed with segments as fast as it takes them. */

import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { Pipeline, type PipelineOptions } from "../../src/engine/pipeline.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { AudioMode, StreamParams } from "../../src/engine/protocol/work.ts";
import { demux } from "../../src/engine/source/demux.ts";
import { Timeline } from "../../src/engine/source/timeline.ts";
import type { Fragment } from "../../src/media/fragment.ts";
import type { IncomingChunk } from "../../src/trickle/client/segment-copy.ts";
import { RecordingObserver } from "./recording-observer.ts";

/** Frames that may be in flight between source and output: more than B-frames and stages hold. */
const UNDER_WAY = 12;
const CHUNK_BYTES = 188 * 14;

export const PARAMS: StreamParams = {
  prompts: [],
  model: "edges",
  fit: "cover",
  paused: false,
  model_params: {},
};

export class ClipRun extends RecordingObserver {
  readonly fragments: Fragment[] = [];
  readonly pipeline: Pipeline;
  readonly abort = new AbortController();
  params: StreamParams;
  framesOut = 0;
  #moved: () => void = () => {};
  readonly #onFragment: ((fragment: Fragment) => void) | undefined;

  constructor(options: {
    readonly segments: readonly Uint8Array[];
    readonly host: ModelHost;
    readonly params?: Partial<StreamParams>;
    readonly pipeline?: Partial<PipelineOptions>;
    readonly audio?: AudioMode;
    /** Feed without waiting for output, because not every input frame comes out. */
    readonly lossy?: boolean;
    readonly onFragment?: (fragment: Fragment) => void;
  }) {
    super();
    this.params = { ...PARAMS, ...options.params };
    this.#onFragment = options.onFragment;
    const packets = demux(this.#feed(options.segments, options.lossy ?? false), {
      timeline: new Timeline(null),
      calls: UNRECORDED_CALLS,
      observer: this,
    });
    this.pipeline = new Pipeline({
      workspace: "/nonexistent",
      calls: UNRECORDED_CALLS,
      source: { kind: "input", packets, audio: options.audio ?? "auto" },
      output: new WritableStream<Fragment>({ write: (fragment) => this.#take(fragment) }),
      container: "fmp4",
      segmentSeconds: 1,
      after: null,
      frameQueue: 64,
      maxFrameAgeMs: 60_000,
      host: options.host,
      key: "clip",
      params: () => this.params,
      signal: this.abort.signal,
      observer: this,
      ...options.pipeline,
    });
  }

  override frameUnpublished(): void {
    super.frameUnpublished();
    this.framesOut++;
  }

  /** The bytes of every output segment. */
  get segments(): Uint8Array[] {
    const parts: Uint8Array[][] = [];
    for (const fragment of this.fragments) {
      if (fragment.first) parts.push([]);
      parts.at(-1)?.push(fragment.data);
    }
    return parts.map((each) => Uint8Array.from(Buffer.concat(each)));
  }

  override frameSkipped(): void {
    super.frameSkipped();
    this.#moved();
  }

  get #underWay(): number {
    return this.framesIn - this.framesOut - this.framesDropped - this.framesSkipped;
  }

  #take(fragment: Fragment): void {
    this.fragments.push(fragment);
    if (fragment.arrivedAt !== null) this.framesOut++;
    this.#onFragment?.(fragment);
    this.#moved();
  }

  /** Sends segments in small pieces, each once the previous ones have been processed. */
  #feed(segments: readonly Uint8Array[], lossy: boolean): ReadableStream<IncomingChunk> {
    const pieces = segments.flatMap((segment, seq) => cut(segment, seq)).values();
    return new ReadableStream<IncomingChunk>(
      {
        pull: async (controller) => {
          while (!lossy && this.#underWay > UNDER_WAY) {
            await new Promise<void>((resolve) => {
              this.#moved = resolve;
            });
          }
          const { done, value } = pieces.next();
          if (done) controller.close();
          else controller.enqueue({ ...value, arrivedAt: performance.now() });
        },
        cancel: () => this.#moved(),
      },
      { highWaterMark: 0 },
    );
  }
}

function cut(segment: Uint8Array, seq: number): Omit<IncomingChunk, "arrivedAt">[] {
  const pieces: Omit<IncomingChunk, "arrivedAt">[] = [];
  for (let at = 0; at < segment.length; at += CHUNK_BYTES) {
    const last = at + CHUNK_BYTES >= segment.length;
    const data = segment.subarray(at, at + CHUNK_BYTES);
    pieces.push({ seq, data, first: at === 0, last, complete: true });
  }
  return pieces;
}
