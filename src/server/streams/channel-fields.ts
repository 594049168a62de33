/** Names channels in errors by the fields in which callers named them. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import type { PlainError } from "../../errors.ts";

interface ChannelFields {
  readonly input: string;
  readonly output: string;
}

/** The report with its error, if it has one, as `withChannelFields` gives it. */
export const reportWithChannelFields = (report: WorkReport, fields: ChannelFields): WorkReport =>
  "error" in report && report.error !== undefined
    ? { ...report, error: withChannelFields(report.error, fields) }
    : report;

/** Replaces the engine's channel names in an error about `input` or `output` by the fields of its protocol. */
export function withChannelFields(error: PlainError, channelFields: ChannelFields): PlainError {
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
