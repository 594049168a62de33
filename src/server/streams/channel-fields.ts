/** Names channels in errors by the fields in which callers named them. */
import type { PlainError } from "../../errors.ts";

/** Replaces the engine's channel names in an error about `input` or `output` by the fields of its protocol. */
export function withChannelFields(
  error: PlainError,
  channelFields: { readonly input: string; readonly output: string },
): PlainError {
  const { message, details = [] } = error;
  const named = ({ field }: { readonly field: string }) =>
    field === "input" || field === "output" ? channelFields[field] : field;
  const [first] = details;
  if (first === undefined) return error;
  return {
    ...error,
    message: message.startsWith(first.field)
      ? `${named(first)}${message.slice(first.field.length)}`
      : message,
    details: details.map((detail) => ({ ...detail, field: named(detail) })),
  };
}
