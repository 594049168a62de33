/** Upper bound of a model's throughput: `session.run` of its graph in a loop, in one thread, and nothing else. */
import * as ort from "onnxruntime-node";
import { parseDevice, settingsFor } from "../../src/engine/device/devices.ts";
import { adaptGraph } from "../../src/engine/models/adapt-graph.ts";
import type { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { fuse } from "../../src/engine/models/graph-fusion.ts";
import { readModelSource } from "../../src/engine/models/onnx-source.ts";
import type { Size } from "../../src/engine/protocol/work.ts";

export class ModelLoop {
  readonly #session: ort.InferenceSession;
  readonly #feeds: Record<string, ort.Tensor>;
  readonly #items: number;

  private constructor(session: ort.InferenceSession, items: number, size: Size) {
    this.#session = session;
    this.#items = items;
    this.#feeds = feedsOf(session, items, size);
  }

  /** For runs of `items` pictures of this size, unless the model has a size of its own. */
  static async open(
    catalogue: ModelCatalogue,
    name: string,
    { items, size }: { readonly items: number; readonly size: Size },
  ): Promise<ModelLoop> {
    const { definition, program } = await catalogue.get(name);
    if (!("path" in program || "builtIn" in program))
      throw new Error(`${name} is more than one graph`);
    // The graph as the engine opens it, so that both sides run the same operators.
    const { model } = await readModelSource(program);
    fuse(model);
    const { bytes } = adaptGraph(model, definition);
    const settings = settingsFor(parseDevice("cpu"), definition.run.threads);
    const session = await ort.InferenceSession.create(bytes, { ...settings });
    return new ModelLoop(session, items, definition.picture?.size ?? size);
  }

  /** Runs for some seconds; returns pictures a second. */
  async measure(seconds: number): Promise<number> {
    await this.#session.run(this.#feeds); // its memory may have left the cache
    const begun = performance.now();
    const end = begun + seconds * 1000;
    let runs = 0;
    for (; performance.now() < end; runs++) await this.#session.run(this.#feeds);
    return (runs * this.#items * 1000) / (performance.now() - begun);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** Pictures are uint8 `[items, 3, height, width]`; everything else has a fixed shape. */
function feedsOf(session: ort.InferenceSession, items: number, { width, height }: Size) {
  const feeds: Record<string, ort.Tensor> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new Error(`${input.name} is not a tensor`);
    const free = [items, 3, height, width];
    const dims = input.shape.map((dim, axis) =>
      typeof dim === "number" ? dim : (free[axis] ?? Number.NaN),
    );
    const count = dims.reduce((product, dim) => product * dim, 1);
    feeds[input.name] =
      input.type === "uint8"
        ? new ort.Tensor(
            "uint8",
            new Uint8Array(count).map((_, at) => (at * 2654435761) >>> 24),
            dims,
          )
        : new ort.Tensor("float32", new Float32Array(count).fill(1 / count), dims);
  }
  return feeds;
}
