/** Fuzzes ONNX Runtime with hostile networks: they load or are refused, and none ends the process unnoticed. */
import { join } from "node:path";
import { defineTarget } from "../fuzz.ts";
import { FuzzChild } from "./child.ts";
import { wildOnnx } from "./model-folders.ts";

export const onnxSessions = defineTarget<Uint8Array>({
  name: "onnx-sessions",
  inputs: "ONNX files as above, loaded by ONNX Runtime in a process of their own",
  found: [],
  limitMs: 30_000,
  open: async () => {
    const child = new FuzzChild(join(import.meta.dir, "onnx-child.ts"));
    return {
      inputs: wildOnnx(),
      check: (file) => child.run(file),
      close: async () => await child[Symbol.asyncDispose](),
    };
  },
});
