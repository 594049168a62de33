/** Declares and checks a session's `metadata`, the caller's own labels, which the usage record repeats (live-runner.md 4.2). */
import { type Static, Type } from "@sinclair/typebox";
import { WorkerError } from "../../../../errors.ts";
import { literals } from "../../../../schema.ts";
import { checked } from "../../../field-errors.ts";
import { RunnerError } from "./runner-errors.ts";

const Label = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: "^[A-Za-z0-9._:@-]{1,128}$",
      expects: "1 to 128 letters, digits or any of ._:@-",
      description,
    }),
  );

export const SessionMetadata = Type.Object(
  {
    room_id: Label("the caller's room"),
    venue_id: Label("the caller's venue"),
    customer_id: Label("the caller's customer"),
    booking_id: Label("the caller's booking"),
    environment: Type.Optional(literals(["test", "pilot", "production"])),
    lyrics_overlay: Type.Optional(Type.Boolean({ expects: "true or false" })),
    expected_duration_s: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, expects: "a number of seconds above 0" }),
    ),
  },
  {
    additionalProperties: false,
    expects: "an object",
    description: "labels that the usage record repeats",
  },
);
export type SessionMetadata = Static<typeof SessionMetadata>;

/** The metadata of a start; none where it is absent or null. Throws `invalid_metadata` naming the member. */
export function readMetadata(metadata: unknown): SessionMetadata {
  try {
    return checked(SessionMetadata, metadata ?? {});
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    const [first] = error.details;
    const member = first === undefined || first.field === "body" ? "" : `.${first.field}`;
    const message = error.details
      .map(({ field, problem }) => `metadata${field === "body" ? "" : `.${field}`} ${problem}`)
      .join("; ");
    throw new RunnerError("invalid_metadata", message, { field: `metadata${member}` });
  }
}
