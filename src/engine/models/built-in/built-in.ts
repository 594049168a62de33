/** A built-in model: its description, and the code that generates its graph. */
import type { ModelJson } from "../model-json.ts";

export interface BuiltIn {
  /** The content of its `model.json`. */
  readonly json: ModelJson & { readonly file: string };
  /** The bytes of its ONNX file, the same on every call. */
  graph(): Uint8Array<ArrayBuffer>;
}
