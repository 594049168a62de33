/** Wraps onnxruntime-node, and is its only importer. Used in inference workers: `run` blocks its thread. */
import * as ort from "onnxruntime-node";
import { reason, WorkerError } from "../../errors.ts";
import { ELEMENT_TYPES, type ElementType } from "../models/tensor-signature.ts";
import type { SessionSettings } from "./devices.ts";
import type { TensorData } from "./protocol.ts";

/** Errors arrive as exceptions; the runtime would print them as well. Read when the first session opens. */
ort.env.logLevel = "fatal";

/** The execution providers that the installed ONNX Runtime was built with; not all of them may work on this machine. */
export const listBackends = (): readonly string[] =>
  ort.listSupportedBackends().map(({ name }) => name);

/** A loaded graph. Release it before its thread ends. */
export class Session {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /** Throws `model_failed` with ONNX Runtime's message. */
  static async open(bytes: Uint8Array, settings: SessionSettings): Promise<Session> {
    try {
      return new Session(await ort.InferenceSession.create(bytes, { ...settings }));
    } catch (error) {
      throw new WorkerError("model_failed", `ONNX Runtime refuses it: ${reason(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Feeds tensors by name and returns one output, whose memory belongs to the caller. Throws `model_failed`, after
   * which the session can be used again.
   */
  async run(feeds: Readonly<Record<string, TensorData>>, output: string): Promise<TensorData> {
    try {
      const tensors: Record<string, ort.Tensor> = {};
      for (const [name, feed] of Object.entries(feeds)) tensors[name] = toTensor(feed);
      const { [output]: result } = await this.#session.run(tensors, [output]);
      if (result === undefined) throw new Error(`there was no output ${JSON.stringify(output)}`);
      return fromTensor(result);
    } catch (error) {
      throw new WorkerError("model_failed", `the run failed: ${reason(error)}`, { cause: error });
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function toTensor({ dtype, dims, data }: TensorData): ort.Tensor {
  return new ort.Tensor(dtype as "uint8", data as Uint8Array, dims); // the constructor checks the pair
}

function fromTensor(tensor: ort.OnnxValue): TensorData {
  const { type, dims, data } = tensor as ort.Tensor; // outputs are dense tensors in this build
  if (!(type in ELEMENT_TYPES) || !ArrayBuffer.isView(data)) {
    throw new Error(`the output is a ${type}, which no role can take`);
  }
  return { dtype: type as ElementType, dims, data: data as TensorData["data"] };
}
