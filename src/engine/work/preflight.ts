/** What is refused before a stream starts. */
import { reason, toPlainError, WorkerError } from "../../errors.ts";
import { nextSeq } from "../../trickle/client/channel-requests.ts";
import type { ModelHost } from "../inference/model-host.ts";
import type { Endpoint, StreamSpec } from "../protocol/work.ts";

/** A channel has this long to take us. */
export const ACCEPT_MS = 1500;

/** How the caller named the channels: seed mode or orchestrator mode (protocol.md 9 row 8). */
export const channelFields = ({ owns_output }: StreamSpec) =>
  owns_output
    ? { input: "input_url", output: "stream_url" }
    : { input: "subscribe_url", output: "publish_url" };

/** A channel's refusal with the field that named the channel; any other error as it is. */
export function refusalOf(field: string, error: unknown): unknown {
  if (!(error instanceof WorkerError) || error.kind !== "channel_refused") return error;
  const { kind, message: problem } = error;
  const details = [{ field, problem }];
  return new WorkerError(kind, `${field}: ${problem}`, { cause: error, details });
}

/** Throws for a model that does not exist or is known to be broken: the request's fault, as far as a start goes. */
export async function checkModel(name: string, host: Pick<ModelHost, "check">): Promise<void> {
  try {
    await host.check(name);
  } catch (error) {
    const { kind, message: problem } = toPlainError(error);
    const details = [{ field: "model", problem }];
    const refused = kind === "model_failed" ? "invalid_request" : kind;
    throw new WorkerError(refused, `model: ${problem}`, { cause: error, details });
  }
}

/** An input that is not there is told at the start, not as a stream that fails at once. */
export async function checkChannel(
  field: string,
  input: Endpoint,
  signal: AbortSignal,
): Promise<void> {
  const timeout = AbortSignal.timeout(ACCEPT_MS);
  try {
    await nextSeq(input, AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof WorkerError) throw refusalOf(field, error);
    const why = timeout.aborted ? `no answer within ${ACCEPT_MS} ms` : reason(error);
    const message = `channel ${input.url} is not usable: ${why}`;
    throw refusalOf(field, new WorkerError("channel_refused", message, { cause: error }));
  }
}

/** Whether a channel that was there answers that it is not: its owner has ended the stream. */
export async function isRemoved(channel: Endpoint): Promise<boolean> {
  try {
    await nextSeq(channel, AbortSignal.timeout(ACCEPT_MS));
    return false;
  } catch (error) {
    return error instanceof WorkerError && error.kind === "channel_refused";
  }
}
