/** Shows what a stream is drawn by as the text that the prompt field takes: its first prompt, or its graph as JSON. */
import type { Stream } from "./api.ts";

/** Undefined where the stream has no prompt. */
export function promptText({ prompts }: Stream["metadata"]): string | undefined {
  const [first] = prompts ?? [];
  if (first === undefined) return undefined;
  return typeof first.prompt === "string" ? first.prompt : JSON.stringify(first);
}
