/** A stream that is drawn by ComfyUI graphs, as its engine has it, and small graphs for it. */
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { GRAPH_MODEL, type StreamParams } from "../../src/engine/protocol/work.ts";
import type { WorkerError } from "../../src/errors.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { noisePicture } from "./onnx-workspace.ts";

export const SIZE = { width: 64, height: 64 };

/** A graph that inverts the video, and one that flips it: they need no networks. */
export const INVERT = {
  "1": { class_type: "LoadTensor", inputs: {} },
  "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  "3": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
};
export const HALF = {
  "1": { class_type: "LoadImage", inputs: { image: "example.png" } },
  "2": {
    class_type: "ImageScale",
    inputs: {
      image: ["1", 0],
      upscale_method: "nearest-exact",
      width: 32,
      height: 32,
      crop: "disabled",
    },
  },
  "3": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
};

export const paramsFor = (...graphs: readonly unknown[]): StreamParams => ({
  prompts: [],
  model: GRAPH_MODEL,
  fit: "cover",
  paused: false,
  model_params: {},
  graphs: graphs.map((graph) => JSON.stringify(graph)),
});

/** An executor as a stream has it, and a frame of noise. */
export class GraphStream implements AsyncDisposable {
  readonly frame: Picture = noisePicture(SIZE.width, SIZE.height);
  readonly #converter = new PictureConverter(UNRECORDED_CALLS);
  readonly executor: PlanExecutor;
  #pts = 0;

  constructor(
    host: ModelHost,
    { hasInput = true, calls = UNRECORDED_CALLS }: { hasInput?: boolean; calls?: NativeCalls } = {},
  ) {
    const [converter, signal] = [this.#converter, new AbortController().signal];
    this.executor = new PlanExecutor({
      host,
      converter,
      signal,
      hasInput,
      key: "stream",
      calls,
    });
  }

  /** What is drawn for the frame. */
  async draw(params: StreamParams): Promise<Picture> {
    const frame = await this.#converter.toFrame(this.frame, SIZE, "stretch");
    try {
      const job = { frame, pts: ticks(this.#pts++ * 3000), size: SIZE, params };
      return (await this.executor.draw(job)).picture;
    } finally {
      frame.free();
    }
  }

  /** The frame as models get it: it has been through 4:2:0. */
  async plain(): Promise<Picture> {
    const frame = await this.#converter.toFrame(this.frame, SIZE, "stretch");
    try {
      return await this.#converter.toPicture(frame, SIZE, "stretch");
    } finally {
      frame.free();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.executor[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }
}

export const failureOf = async (work: Promise<unknown>): Promise<WorkerError> =>
  await work.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: WorkerError) => error,
  );

export const farthest = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? 0))),
    a.length - b.length,
  );
