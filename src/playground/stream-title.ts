/** Makes the title of a stream: its prompts, or the size of its graph. */
import type { Stream } from "./api.ts";
import { isText } from "./prompts.ts";

/** Its texts, or the size of its graph; undefined where the stream has neither. */
export function titleOf({ prompts = [] }: Stream["metadata"]): string | undefined {
  const [first] = prompts;
  if (first === undefined) return undefined;
  if (isText(first)) return prompts.map(({ prompt }) => prompt).join(" + ");
  const nodes = prompts.reduce((sum, graph) => sum + Object.keys(graph).length, 0);
  return `ComfyUI graph of ${nodes} ${nodes === 1 ? "node" : "nodes"}`;
}
