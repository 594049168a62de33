/** Runs new ComfyUI graphs once before a stream changes over to them, which compiles them and finds what validation cannot. */
import type { LoadedModel } from "../device/loaded-model.ts";
import { plain } from "../models/roles/frame.ts";
import { DEFAULT_SIZE, type StreamParams } from "../protocol/work.ts";
import type { NodeOptions } from "./plan-node.ts";

/** Makes the names of lanes unique. */
let trials = 0;

/** Throws what the graphs throw, with the node's name. The model keeps what does not depend on the frame for the stream. */
export async function tryGraphs(
  model: LoadedModel,
  graphs: readonly string[],
  { size: output = DEFAULT_SIZE }: Pick<StreamParams, "size">,
  {
    key,
    calls,
    signal,
    hasInput,
  }: Pick<NodeOptions, "key" | "calls" | "signal"> & { readonly hasInput: boolean },
): Promise<void> {
  const lane = `${key}/trial ${trials++}`;
  const size = model.inputSize(output);
  const picture = hasInput ? plain(size, 128) : null;
  try {
    const values = { prompts: { prompts: [], graphs } };
    await model.run({ key, calls, signal, lane, size, picture, original: picture, values });
  } finally {
    model.forget(lane);
  }
}
