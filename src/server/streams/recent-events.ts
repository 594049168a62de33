/** Remembers the last events of a stream's life with their times, for `GET /stream/{id}/debug`. */
import { type Static, Type } from "@sinclair/typebox";
import { cut } from "../../shown-value.ts";
import type { StreamEvent } from "./observer.ts";

const MAX_EVENTS = 20;
const MAX_DETAIL = 500;

export const RecentEvent = Type.Object({
  at: Type.String(),
  event: Type.String({
    description:
      "started, size, params_changed, updated, refused, showing, trouble, recovered, interrupted (its engine died), finished (the sender ended its input) or ended",
  }),
  detail: Type.Optional(Type.String()),
});
export type RecentEvent = Static<typeof RecentEvent>;

export class RecentEvents {
  /** The oldest first. */
  readonly all: RecentEvent[] = [];

  record(event: StreamEvent): void {
    switch (event.type) {
      case "started":
      case "params_changed":
      case "updated":
      case "refused":
      case "recovered":
      case "finished":
        this.#add(event.type);
        return;
      case "size":
        this.#add("size", `${event.width}x${event.height}`);
        return;
      case "showing":
        this.#add("showing", [event.output, ...(event.reason ? [event.reason] : [])].join(": "));
        return;
      case "trouble":
        this.#add("trouble", event.error.message);
        return;
      case "interrupted":
        this.#add("interrupted", event.why);
        return;
      case "ended":
        this.#add("ended", event.error?.message);
        return;
      case "stats":
      case "checkpoint":
      case "data":
      case "step":
      case "made":
        return; // they come with every second or frame, or are of pictures
      default:
        event satisfies never;
    }
  }

  #add(event: string, detail?: string): void {
    const shown = detail === undefined ? {} : { detail: cut(detail, MAX_DETAIL) };
    this.all.push({ at: new Date().toISOString(), event, ...shown });
    if (this.all.length > MAX_EVENTS) this.all.shift();
  }
}
