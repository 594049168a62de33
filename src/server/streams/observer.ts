/** Declares how a stream's observer follows its life in the server. */

import type { WorkReport } from "../../engine/protocol/messages.ts";
import type { PlainError } from "../../errors.ts";

/** What happens to a stream: an engine's message, the loss of its engine, or new parameters. */
export type StreamEvent =
  | WorkReport
  | { readonly type: "interrupted"; readonly why: string }
  | { readonly type: "params_changed" };

/** Follows one stream; each call comes after the stream itself has taken the event in. */
export interface StreamObserver {
  /** The stream's turn has come: no other stream uses its channels. */
  open(): void;
  handle(event: StreamEvent): void;
  /** The stream is over. Settles when everything opened for it is released. Never rejects. */
  close(error: PlainError | null): Promise<void>;
}
