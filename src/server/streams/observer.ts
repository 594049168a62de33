/** Declares how a stream's observer follows its life in the server. */

import type { DataReport, WorkReport } from "../../engine/protocol/messages.ts";
import type { PlainError } from "../../errors.ts";
import type { DataEvent } from "./data-output.ts";

/** What happens to a stream: an engine's report (data at a bounded rate), the loss of its engine, or new parameters. */
export type StreamEvent =
  | Exclude<WorkReport, DataReport>
  | DataEvent
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
