/** Runs one model in an ONNX Runtime session: adapts its graph, feeds pictures and numbers, returns pictures. Used in workers. */

import { WorkerError } from "../../errors.ts";
import type { Picture } from "../../media/picture.ts";
import type { ModelDefinition, TextTensor } from "../models/definition.ts";
import { type AdaptedGraph, adaptGraph, type ScalarFeed } from "../models/graph-adapter.ts";
import { parseGraph } from "../models/tensor-signature.ts";
import type { SessionSettings } from "./devices.ts";
import type { Scalars, TensorData, TextVector } from "./protocol.ts";
import { Session } from "./runtime.ts";

export class ModelSession {
  readonly #session: Session;
  readonly #edge: Omit<AdaptedGraph, "bytes">;
  readonly #texts: readonly TextTensor[];

  private constructor(
    session: Session,
    edge: Omit<AdaptedGraph, "bytes">,
    texts: readonly TextTensor[],
  ) {
    this.#session = session;
    this.#edge = edge;
    this.#texts = texts;
  }

  /** Throws `model_failed` for a file that is not ONNX, cannot be adapted, or is rejected by the runtime. */
  static async open(
    file: Uint8Array,
    definition: ModelDefinition,
    settings: SessionSettings,
  ): Promise<ModelSession> {
    const { bytes, ...edge } = adaptGraph(parseGraph(file), definition);
    return new ModelSession(await Session.open(bytes, settings), edge, definition.texts);
  }

  /** Runs the model once. The picture has the size of the output tensor. */
  async run(picture: Picture | null, scalars: Scalars, text: TextVector): Promise<Picture> {
    const feeds: Record<string, TensorData> = {};
    if (this.#edge.picture !== null) {
      if (picture === null) throw new WorkerError("model_failed", "the model needs a picture");
      const { data, width, height } = picture;
      feeds[this.#edge.picture] = { dtype: "uint8", dims: [1, 3, height, width], data };
    }
    for (const feed of this.#edge.scalars) {
      const number = scalars[feed.tensor];
      if (number === undefined) {
        throw new WorkerError("model_failed", `no value for ${JSON.stringify(feed.tensor)}`);
      }
      const { dtype, dims } = feed;
      feeds[feed.input] = { dtype, dims, data: element(dtype, number) };
    }
    for (const { tensor, dims } of this.#texts) {
      feeds[tensor] = { dtype: "float32", dims, data: text };
    }
    return toPicture(await this.#session.run(feeds, this.#edge.image));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function toPicture({ dims, data }: TensorData): Picture {
  const [batch, depth, height, width] = dims;
  const whole = data instanceof Uint8Array && data.byteLength === data.buffer.byteLength;
  if (batch !== 1 || depth !== 3 || !height || !width || dims.length !== 4 || !whole) {
    throw new WorkerError(
      "model_failed",
      `the output has dimensions [${dims.join(", ")}], where a picture [1, 3, height, width] is needed: ` +
        "check layout and channels of the output in model.json",
    );
  }
  return { data: data as Uint8Array<ArrayBuffer>, width, height };
}

function element(dtype: ScalarFeed["dtype"], number: number): TensorData["data"] {
  switch (dtype) {
    case "float32":
      return Float32Array.of(number);
    case "float64":
      return Float64Array.of(number);
    case "int32":
      return Int32Array.of(number);
    case "int64":
      return BigInt64Array.of(BigInt(Math.round(number)));
    case "uint8":
    case "bool":
      return Uint8Array.of(number);
  }
}
