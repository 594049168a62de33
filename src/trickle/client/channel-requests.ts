/** Sends the short requests about a channel as a whole: create it, ask for its next number, delete it. */
import { WorkerError } from "../../errors.ts";
import { channelHost, quote } from "./describe.ts";
import { type TrickleEndpoint, type TrickleResponse, trickleRequest } from "./request.ts";

/**
 * `POST {channel}`: creates a channel, or makes sure that it exists. Throws `channel_refused`, or a plain Error if a retry
 * may help.
 */
export async function createChannel(
  endpoint: TrickleEndpoint,
  contentType: string,
  signal: AbortSignal,
): Promise<void> {
  const headers = { "Expect-Content": contentType };
  const response = await trickleRequest(endpoint, { method: "POST", path: "", headers, signal });
  await accepted(endpoint, response);
}

/**
 * `GET {channel}/next`: the number of the segment to publish next. Throws `channel_refused`, or a plain Error if a retry
 * may help.
 */
export async function nextSeq(endpoint: TrickleEndpoint, signal: AbortSignal): Promise<number> {
  const response = await trickleRequest(endpoint, { method: "GET", path: "/next", signal });
  const body = await accepted(endpoint, response);
  const seq = response.latest ?? (/^\d{1,15}$/.test(body) ? Number(body) : -1);
  if (seq >= 0) return seq;
  throw refused(endpoint, `its server answered /next without a number: ${quote(body)}`);
}

/**
 * `DELETE {channel}/{seq}`: closes a segment that will get no end. Takes at most a second, never throws; false if the
 * server did not answer.
 */
export const deleteSegment = (endpoint: TrickleEndpoint, seq: number): Promise<boolean> =>
  bestEffortDelete(endpoint, `/${seq}`);

/** `DELETE {channel}`: ends the channel for all its readers. Best effort; takes at most a second, never throws. */
export async function deleteChannel(endpoint: TrickleEndpoint): Promise<void> {
  await bestEffortDelete(endpoint, "");
}

async function bestEffortDelete(endpoint: TrickleEndpoint, path: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1000);
    const response = await trickleRequest(endpoint, { method: "DELETE", path, signal });
    response.discard();
    return response.status < 500;
  } catch {
    return false; // the peer is gone, and perhaps the channel with it; if not, its idle sweep closes it
  }
}

/** The body of a 200. */
async function accepted(endpoint: TrickleEndpoint, response: TrickleResponse): Promise<string> {
  const body = await response.text();
  if (response.closed) throw refused(endpoint, "it is closed");
  if (response.status === 200) return body;
  const quoted = quote(body);
  const problem = `its server answered ${response.status}${quoted === "" ? "" : `: ${quoted}`}`;
  if (response.status >= 500) throw new Error(problem);
  throw refused(endpoint, problem);
}

const refused = (endpoint: TrickleEndpoint, problem: string): WorkerError =>
  new WorkerError(
    "channel_refused",
    `the channel at ${channelHost(endpoint)} is not usable: ${problem}`,
  );
