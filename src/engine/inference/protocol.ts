/** What the engine's main thread asks of an inference worker: a map of calls, input and output of each. */
import type { PlainError } from "../../errors.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { ElementType } from "../models/tensor-signature.ts";
import type { SessionSettings } from "./devices.ts";

/** A tensor as it crosses a thread: the buffer behind `data` is transferred. */
export interface TensorData {
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | Float32Array | Float64Array | Int32Array | BigInt64Array;
}

/** Where the ONNX file's bytes are. A path is read in the worker, so that its size stalls nobody. */
export type GraphSource = { readonly path: string } | { readonly bytes: Uint8Array };

/** Numbers of one run, by tensor name. */
export type Scalars = Readonly<Record<string, number>>;

/** A stream's prompts as `prompts/controls.ts` lays them out. */
export type TextVector = Float32Array;

export interface PictureData {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

export interface Calls {
  /** Execution providers that this build of ONNX Runtime was made with. */
  backends: [null, readonly string[]];
  /** Proves that a device works: a tiny session, made and run on it alone. */
  probe: [{ settings: SessionSettings }, null];
  /** Makes the session and runs it once at `warmUp`'s size. */
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
  /** `picture` is transferred in, the answer's picture out. */
  run: [
    { picture: PictureData | null; scalars: Scalars; text: TextVector },
    { picture: PictureData; inferenceMs: number },
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
