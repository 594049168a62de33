/** Runs an infer stage behind its queue, fed with frames at a steady rate, and names what each frame that comes out shows. */
import { expect } from "bun:test";
import type { Frame } from "../../src/engine/codec/libav.ts";
import { FramePool, type Tick, VideoFrame } from "../../src/engine/codec/video-frame.ts";
import type { InferenceJob, InferenceResult } from "../../src/engine/device/loaded-model.ts";
import { identity } from "../../src/engine/models/built-in/identity.ts";
import { defineModel } from "../../src/engine/models/define-model.ts";
import { modelChain } from "../../src/engine/models/model-chain.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { type InferOptions, InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { TICKS_PER_SECOND, ticks } from "../../src/media/time.ts";
import { newest } from "../../src/streams/newest.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { FakeModel } from "./fake-model.ts";
import { flatFrame } from "./loading-stream.ts";
import { RecordingObserver } from "./recording-observer.ts";
import { waitFor } from "./wait-for.ts";

/** The interval of the input in milliseconds. */
export const INTERVAL_MS = 10;
/** Frames pass by a run after this time. */
export const STALL_MS = 150;
const SECONDS_TO_MS = 1000;

/** By luma in the top left corner: the frames of the input have 110, slates are dark, the model draws white. */
export type Shows = "input" | "slate" | "model" | "other";

export interface ShownFrame {
  /** In 90 kHz ticks of the input's time. */
  readonly pts: number;
  /** `performance.now()` when it came out. */
  readonly at: number;
  readonly shows: Shows;
}

const signature = signatureOf(parseGraph(identity.graph()));

/** Answers a run: the picture that it is given, drawn over in white. */
export const white = ({ picture }: InferenceJob): InferenceResult => {
  picture?.data.fill(255);
  return { picture, data: {}, inferenceMs: 1 };
};

export interface ShownOptions {
  readonly params?: Partial<StreamParams>;
  /** Default: `default`; null: none. */
  readonly fallback?: string | null;
  /** A clock drives the stream. */
  readonly clock?: boolean;
  /** Default: `steady`; `still`: all frames are the same; `silent`: no frame comes in. */
  readonly input?: "steady" | "still" | "silent";
  readonly infer?: Partial<InferOptions>;
  /** Settles when the model is loaded. */
  readonly loaded?: Promise<unknown>;
  /** How often the model runs, as its `model.json` says. */
  readonly run?: typeof identity.json.run;
}

export class ShownStage implements AsyncDisposable {
  readonly pool = new FramePool();
  readonly observer = new RecordingObserver();
  readonly frames: ShownFrame[] = [];
  /** What the model answers; runs that have not ended do when the stage is disposed. */
  answer: (job: InferenceJob) => Promise<InferenceResult> | InferenceResult = white;
  readonly model: FakeModel;
  readonly #over = Promise.withResolvers<never>();
  #params: StreamParams;
  readonly #stage: InferStage;
  readonly #stages = new StageGroup();
  readonly #ticker: ReturnType<typeof setInterval>;
  readonly #isStill: boolean;
  readonly #writer: WritableStreamDefaultWriter<Tick>;
  readonly #read: Promise<void>;
  #sent = 0;

  constructor({
    params,
    fallback = "default",
    clock = false,
    input = "steady",
    infer,
    loaded,
    run,
  }: ShownOptions = {}) {
    this.#isStill = input === "still";
    const definition = defineModel("m", { ...identity.json, ...(run && { run }) }, signature);
    this.model = new FakeModel(definition, (job) =>
      Promise.race([this.answer(job), this.#over.promise]),
    );
    const defaults = { prompts: [], fit: "cover", paused: false, model_params: {} } as const;
    this.#params = { ...defaults, model: "m", ...(fallback !== null && { fallback }), ...params };
    const stage = new InferStage({
      calls: UNRECORDED_CALLS,
      host: {
        acquire: async () => {
          await loaded;
          return this.model;
        },
        chain: async () => modelChain(definition, () => null),
        loading: () => ({ since: performance.now(), expectedMs: null }),
        planGraphs: () => Promise.reject(new Error("no graphs here")),
        loadDeadlineMs: 60_000,
        prompts: { encode: async () => new Float32Array(1) },
      },
      workspace: "/nonexistent",
      pool: this.pool,
      key: "s",
      hasInput: !clock,
      deadlineOf: () => Number.POSITIVE_INFINITY,
      bypassLimits: { stallMs: STALL_MS, firstMs: STALL_MS / 2 },
      params: () => this.#params,
      observer: this.observer,
      ...infer,
    });
    this.#stage = stage;
    stage.prepare();
    this.#over.promise.catch(() => {}); // there may be no run
    const queue = newest<Tick>({
      capacity: 1,
      ready: () => stage.ready(),
      onDrop: (frame) => frame instanceof VideoFrame && frame[Symbol.dispose](),
    });
    this.#writer = queue.writable.getWriter();
    const shown = queue.readable.pipeThrough(this.#stages.add(stage, 1));
    this.#read = (async () => {
      for await (const frame of shown) {
        this.frames.push({ pts: frame.pts, at: performance.now(), shows: showing(frame.native) });
        frame[Symbol.dispose]();
      }
    })();
    this.#read.catch(() => {}); // the disposal reports it
    this.#ticker = setInterval(() => {
      if (input !== "silent") this.#send(clock);
    }, INTERVAL_MS);
  }

  /** Changes parameters as an engine does. */
  update(params: Partial<StreamParams>): void {
    this.#params = { ...this.#params, ...params };
    this.#stage.prepare();
  }

  /** What came out, without repetitions. */
  get order(): Shows[] {
    return this.frames.map(({ shows }) => shows).filter((each, at, all) => each !== all[at - 1]);
  }

  /** Resolves when so many further frames that show this have come out. */
  async shown(what: Shows, count = 1): Promise<void> {
    const from = this.frames.length;
    const have = () => this.frames.slice(from).filter(({ shows }) => shows === what).length;
    await waitFor(`${count} frames that show: ${what}`, () => have() >= count);
  }

  /** Ends the input and all runs. Nothing is left, and the times of all frames rise. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#ticker);
    const closed = this.#writer.close();
    this.#over.reject(new Error("the test is over"));
    await closed;
    await this.#read;
    await this.#stages.settled();
    expect(this.pool.live).toBe(0);
    expect(this.frames.every(({ pts }, at) => pts > (this.frames[at - 1]?.pts ?? -1))).toBe(true);
  }

  #send(clock: boolean): void {
    const pts = ticks((this.#sent++ * INTERVAL_MS * TICKS_PER_SECOND) / SECONDS_TO_MS);
    const time = { pts, arrivedAt: performance.now() };
    void this.#writer.write(clock ? time : this.pool.adopt(this.#picture(), time));
  }

  /** No two in a row are the same, unless the input is still. */
  #picture(): Frame {
    const frame = flatFrame();
    frame.data?.[0]?.fill(this.#isStill ? 110 : 109 + (this.#sent % 3));
    return frame;
  }
}

function showing(frame: Frame): Shows {
  const luma = frame.data?.[0]?.[0] ?? 0;
  if (Math.abs(luma - 110) <= 3) return "input";
  if (luma < 60) return "slate";
  return luma > 220 ? "model" : "other";
}
