/** What streams and engines know of each other in the server. */

import type { FromEngine } from "../../engine/protocol/messages.ts";
import type { Checkpoint, StreamParams, StreamSpec } from "../../engine/protocol/work.ts";

/** What an engine says of one stream. */
export type StreamMessage = Extract<FromEngine, { readonly id: string }>;

/** What an engine needs of a stream, and what the stream is told. */
export interface PlacedStream {
  readonly id: string;
  readonly spec: StreamSpec;
  /** As they are now: a replacement engine starts with these. */
  readonly params: StreamParams;
  readonly checkpoint: Checkpoint | null;
  /** `ended` is the last message and always comes, whatever becomes of the engine. */
  receive(message: StreamMessage): void;
  /** Its engine died; another takes it up. */
  interrupted(): void;
}
