/** Builds the record that an ended stream leaves in `USAGE_LOG`. */
import { cut } from "../../shown-value.ts";
import type { Stream } from "./stream.ts";

/** Characters of a failure's message. */
const MAX_REASON = 200;

/** A stream's id is a credential: the record names the stream as the log does. */
export function usageRecord(stream: Stream) {
  const { logId, protocol, capability, params, size, stats, error, endReason } = stream;
  return {
    stream: logId,
    protocol: protocol.name,
    capability,
    model: params.model,
    device: stats.device,
    width: size?.width ?? null,
    height: size?.height ?? null,
    status: stream.status,
    reason: endReason ?? cut(error?.message ?? "input ended", MAX_REASON),
    error: error?.kind ?? null,
    ...stream.usage,
  };
}
