/** The thread that encodes prompts: one answer for each request, in their order. */
import type { Prompt } from "../protocol/work.ts";
import { encodePrompts } from "./lexicon.ts";

declare const self: Worker;

export interface EncodeRequest {
  readonly id: number;
  readonly prompts: readonly Prompt[];
}

export interface EncodeResponse {
  readonly id: number;
  /** As `encodePrompts` gives it; its memory is the receiver's. */
  readonly vector: Float32Array<ArrayBuffer>;
}

self.onmessage = ({ data: { id, prompts } }: MessageEvent<EncodeRequest>) => {
  const vector = encodePrompts(prompts);
  self.postMessage({ id, vector } satisfies EncodeResponse, [vector.buffer]);
};
