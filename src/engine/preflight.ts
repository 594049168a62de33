/** What is refused before a stream starts. */
import { reason, WorkerError } from "../errors.ts";
import { nextSeq } from "../trickle/channel-requests.ts";
import type { Endpoint, StreamSpec } from "./protocol.ts";

/** A channel has this long to take us. */
export const ACCEPT_MS = 1500;

/** An input that is not there is told at the start, not as a stream that fails at once. */
export async function checkChannel(input: Endpoint, signal: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(ACCEPT_MS);
  try {
    await nextSeq(input, AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof WorkerError) throw error;
    const why = timeout.aborted ? `no answer within ${ACCEPT_MS} ms` : reason(error);
    throw new WorkerError("channel_refused", `input_url ${input.url} is not usable: ${why}`);
  }
}

/** Throws `unsupported_media` for what this version does not make. */
export function refuseUnsupported(spec: StreamSpec): void {
  if (spec.container !== "fmp4") {
    throw new WorkerError(
      "unsupported_media",
      `container ${spec.container} is not served yet: leave container out or give fmp4`,
    );
  }
  if (spec.audio === "opus" || spec.audio === "aac") {
    throw new WorkerError(
      "unsupported_media",
      `audio ${spec.audio} would have to be encoded, which is not served yet: give auto, copy or none`,
    );
  }
}
