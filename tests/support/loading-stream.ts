/** Runs an infer stage whose model loads when a test wants it to, and measures the label on its frames. */
import { expect } from "bun:test";
import { AV_PIX_FMT_YUV420P, Frame } from "../../src/engine/codec/libav.ts";
import { LabelCanvas } from "../../src/engine/codec/overlay-label.ts";
import { FramePool, type Tick, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { type InferOptions, InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { PARAMS } from "./clip-pipeline.ts";
import { RecordingObserver } from "./recording-observer.ts";

/** The size of input frames. */
export const SIZE = { width: 256, height: 192 };
/** The colour of input frames. */
const YUV = [110, 100, 150] as const;

/** How a frame differs from the same frame without a label. */
export interface Seen {
  readonly width: number;
  readonly height: number;
  /** Samples of all planes that differ by more than 2 from the plain picture, inside the label's box and outside. */
  readonly inside: number;
  readonly outside: number;
}

/** An infer stage with real models. The model `behind` finishes loading when `door` resolves, and fails when it rejects. */
export class LoadingStream {
  readonly pool = new FramePool();
  readonly door = Promise.withResolvers<void>();
  readonly observer = new RecordingObserver();
  #params: StreamParams;
  readonly #stages = new StageGroup();
  readonly #stage: InferStage;
  readonly #writer: WritableStreamDefaultWriter<Tick | VideoFrame>;
  readonly #frames: AsyncIterator<VideoFrame>;
  readonly #hasInput: boolean;
  #pts = 0;

  constructor(
    host: ModelHost,
    source: "input" | "clock",
    params: Partial<StreamParams> = {},
    behind = "identity",
  ) {
    this.door.promise.catch(() => {}); // it may reject before the stage asks for the model
    this.#hasInput = source === "input";
    this.#params = { ...PARAMS, model: behind, ...params };
    const doors: InferOptions["host"] = {
      acquire: async (name, signal) => {
        if (name === behind) await this.door.promise;
        return await host.acquire(name, signal);
      },
      chain: (name) => host.chain(name),
      loading: (name) => host.loading(name),
      prompts: host.prompts,
      planGraphs: (...asked) => host.planGraphs(...asked),
      loadDeadlineMs: host.loadDeadlineMs,
    };
    this.#stage = new InferStage({
      workspace: "/nonexistent",
      calls: UNRECORDED_CALLS,
      host: doors,
      pool: this.pool,
      key: "s",
      hasInput: this.#hasInput,
      deadlineOf: () => Number.POSITIVE_INFINITY,
      params: () => this.#params,
      observer: this.observer,
    });
    const { readable, writable } = this.#stages.add(this.#stage, 1);
    this.#writer = writable.getWriter();
    this.#frames = readable[Symbol.asyncIterator]();
  }

  update(params: Partial<StreamParams>): void {
    this.#params = { ...this.#params, ...params };
  }

  get inferred(): number {
    return this.observer.framesInferred;
  }

  get dropped(): number {
    return this.observer.framesDropped;
  }

  /** Frames and ticks that produced no output. */
  get lost(): number {
    return this.observer.framesDropped + this.observer.framesSkipped;
  }

  get troubles(): string[] {
    return this.observer.troubles.map(({ message }) => message);
  }

  /** Sends one frame or tick through the stage and compares the result with `plain`; null if there is none. */
  async next(plain: readonly number[] = YUV): Promise<Seen | null> {
    this.#pts += 3000;
    const time = { pts: ticks(this.#pts), arrivedAt: performance.now() };
    const lost = this.lost;
    await this.#stage.ready();
    await this.#writer.ready;
    const written = this.#writer.write(this.#hasInput ? this.pool.adopt(flatFrame(), time) : time);
    await written;
    if (this.lost > lost) return null;
    const { value, done } = await this.#frames.next();
    if (done) throw new Error("the stage has ended");
    using frame: VideoFrame = value;
    return look(frame.native, plain);
  }

  async end(): Promise<void> {
    await this.#writer.close();
    await this.#stages.settled();
    expect(this.pool.live).toBe(0);
  }
}

/** A frame of one colour, as the stream's inputs are. */
export function flatFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = SIZE.width;
  frame.height = SIZE.height;
  frame.format = AV_PIX_FMT_YUV420P;
  frame.getBuffer();
  for (const [plane, value] of YUV.entries()) frame.data?.[plane]?.fill(value);
  return frame;
}

function look(frame: Frame, plain: readonly number[]): Seen {
  const { width, height } = frame;
  const box = new LabelCanvas({ width, height });
  let inside = 0;
  let outside = 0;
  for (const [plane, value] of plain.entries()) {
    const samples = frame.data?.[plane] ?? Buffer.alloc(0);
    const stride = frame.linesize[plane] ?? 0;
    const share = plane === 0 ? 1 : 2;
    for (let y = 0; y < height / share; y++) {
      for (let x = 0; x < width / share; x++) {
        if (Math.abs((samples[y * stride + x] ?? 0) - value) <= 2) continue;
        const [left, top] = [x * share - box.x, y * share - box.y];
        if (left >= 0 && top >= 0 && left < box.width && top < box.height) inside++;
        else outside++;
      }
    }
  }
  return { width, height, inside, outside };
}
