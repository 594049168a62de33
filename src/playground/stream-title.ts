/** Names a stream by its prompts, or by the size of its graph. */
import type { Stream } from "./api.ts";
import { isText } from "./prompts.ts";

/** Its prompts joined by `+`, or the number of nodes of its graph; undefined without either. */
export function titleOf({ prompts = [] }: Stream["metadata"]): string | undefined {
  const [first] = prompts;
  if (first === undefined) return undefined;
  if (isText(first)) return prompts.map(({ prompt }) => prompt).join(" + ");
  const nodes = prompts.reduce((sum, graph) => sum + Object.keys(graph).length, 0);
  return `ComfyUI graph of ${nodes} ${nodes === 1 ? "node" : "nodes"}`;
}
