/** The calls from the engine's main thread to an inference worker, with the input and output of each. */
import type { PlainError } from "../../errors.ts";
import type { Picture } from "../../media/picture.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { ElementType } from "../models/tensor-signature.ts";
import type { SessionSettings } from "./devices.ts";

/** A tensor as it crosses threads: the buffer behind `data` is transferred. */
export interface TensorData {
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | Float32Array | Float64Array | Int32Array | BigInt64Array;
}

/** Where the ONNX file is. A path is read in the worker, so that a large file does not block the main thread. */
export type GraphSource = { readonly path: string } | { readonly bytes: Uint8Array };

/** The scalar inputs of one run, by tensor name. */
export type Scalars = Readonly<Record<string, number>>;

/** A stream's prompts in the layout of `prompts/controls.ts`. */
export type TextVector = Float32Array;

export interface Calls {
  /** Lists the execution providers that ONNX Runtime was built with. */
  backends: [null, readonly string[]];
  /** Opens and runs a tiny session on the device alone. */
  probe: [{ settings: SessionSettings }, null];
  /** Opens the session and runs it once at the size `warmUp`. */
  load: [
    {
      source: GraphSource;
      definition: ModelDefinition;
      settings: SessionSettings;
      warmUp: { width: number; height: number };
      text: TextVector;
    },
    { loadMs: number; warmUpMs: number },
  ];
  /** Both pictures are transferred. */
  run: [
    { picture: Picture | null; scalars: Scalars; text: TextVector },
    { picture: Picture; inferenceMs: number },
  ];
  /** Releases the session; the worker may be terminated after the answer. */
  close: [null, null];
}

export type Request = {
  [K in keyof Calls]: { readonly id: number; readonly call: K; readonly input: Calls[K][0] };
}[keyof Calls];

export type Response =
  | { readonly id: number; readonly ok: true; readonly output: unknown }
  | { readonly id: number; readonly ok: false; readonly error: PlainError };
