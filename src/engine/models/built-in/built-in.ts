/** What a model made from code consists of. */
import type { ModelJson } from "../model-json.ts";

export interface BuiltIn {
  /** What its `model.json` says when it is written out. */
  readonly json: ModelJson & { readonly file: string };
  /** The ONNX file's bytes; the same every time. */
  graph(): Uint8Array<ArrayBuffer>;
}
