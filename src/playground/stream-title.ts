/** Names streams for lists: by their prompts or graph, else by what is known of them. */
import type { Model, Stream } from "./api.ts";
import { isText } from "./prompts.ts";

const MAX_TITLE = 200;

/** The stream's prompts; without prompts that its model uses, its capability, model or id. `model` is the one it runs. */
export function titleOf({ manifest_id: id, metadata }: Stream, model: Model | undefined): string {
  // A prompt that the model ignores does not describe the stream.
  const drawn = model?.takes_prompts === false ? undefined : promptTitle(metadata);
  return drawn?.slice(0, MAX_TITLE) ?? metadata.capability ?? model?.name ?? id;
}

/** Its prompts joined by `+`, or the number of nodes of its graph; undefined without either. */
export function promptTitle({ prompts = [] }: Stream["metadata"]): string | undefined {
  const [first] = prompts;
  if (first === undefined) return undefined;
  if (isText(first)) return prompts.map(({ prompt }) => prompt).join(" + ");
  const nodes = prompts.reduce((sum, graph) => sum + Object.keys(graph).length, 0);
  return `ComfyUI graph of ${nodes} ${nodes === 1 ? "node" : "nodes"}`;
}
