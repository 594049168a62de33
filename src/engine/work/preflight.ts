/** Checks a stream's model and channels before it starts. */
import { toPlainError, WorkerError } from "../../errors.ts";
import {
  type AcceptOptions,
  askAcceptance,
  nextSeq,
  ServerBusy,
} from "../../trickle/client/channel-requests.ts";
import type { ModelHost } from "../device/model-host.ts";
import type { Endpoint, OutputChannel, StreamParams } from "../protocol/work.ts";

/** How long a channel may take to accept the stream (contract.md); its channels are asked at the same time. */
export const ACCEPT_MS = 2000;
/** How long an orchestrator's channel may answer that its server is busy: its callers do not wait for the channels. */
const ORCHESTRATOR_BUSY_MS = 30_000;

/** How long the channels of a stream may answer that their server is busy. */
export const busyMsOf = (output: OutputChannel | undefined): number =>
  output?.lifecycle === "owned" ? ACCEPT_MS : ORCHESTRATOR_BUSY_MS;

/** The engine's names for a stream's channels; the server puts in the names of the caller's fields. */
export type ChannelName = "input" | "output";

/** Adds the channel's name to a `channel_refused` error; returns any other error unchanged. */
export function refusalOf(field: ChannelName, error: unknown): unknown {
  const isRefusal = error instanceof WorkerError && error.kind === "channel_refused";
  return isRefusal ? withChannel(field, error) : error;
}

/** Adds the channel's name to an error by which a stream lost its channel; returns any other error unchanged. */
export function lossOf(error: unknown): unknown {
  if (!(error instanceof WorkerError) || error.details.length > 0) return error;
  if (error.kind === "output_lost") return withChannel("output", error);
  return error.kind === "input_lost" ? withChannel("input", error) : error;
}

function withChannel(field: ChannelName, error: WorkerError): WorkerError {
  const { kind, message: problem } = error;
  const details = [{ field, problem }];
  return new WorkerError(kind, `${field}: ${problem}`, { cause: error, details });
}

/** Throws for a model that does not exist or is known to be broken, as an error of the request. */
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

/** As `checkModel`, for what a stream starts with: its model, or its graphs. */
export async function checkProgram(
  { model, graphs }: StreamParams,
  hasInput: boolean,
  host: Pick<ModelHost, "check" | "graphModel">,
): Promise<void> {
  if (graphs === undefined) await checkModel(model, host);
  else await host.graphModel(graphs, { kind: "stream", hasInput });
}

/** Throws `channel_refused` for an input channel that does not exist or does not answer. */
export async function checkInput(
  input: Endpoint,
  options: Pick<AcceptOptions, "signal" | "busyMs">,
): Promise<void> {
  try {
    const answerMs = ACCEPT_MS;
    await askAcceptance(input, (signal) => nextSeq(input, signal), { ...options, answerMs });
  } catch (error) {
    throw refusalOf("input", error);
  }
}

/** Whether the server of a channel still has it, as far as it can be asked. */
export async function isThere(channel: Endpoint): Promise<boolean> {
  try {
    await nextSeq(channel, AbortSignal.timeout(ACCEPT_MS));
    return true;
  } catch (error) {
    return error instanceof ServerBusy;
  }
}

/** Whether a channel that existed is gone: its owner has ended the stream. */
export async function isRemoved(channel: Endpoint): Promise<boolean> {
  try {
    await nextSeq(channel, AbortSignal.timeout(ACCEPT_MS));
    return false;
  } catch (error) {
    return error instanceof WorkerError && error.kind === "channel_refused";
  }
}
