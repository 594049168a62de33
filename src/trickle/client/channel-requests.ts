/** Hides the short requests about a channel as a whole: create, where to go on, delete. */
import { WorkerError } from "../../errors.ts";
import { type TrickleEndpoint, type TrickleResponse, trickleRequest } from "./request.ts";

const MAX_QUOTED = 200;

/** `POST {channel}`: 200 if it exists or may be made. Throws `channel_refused`, or a plain Error worth a retry. */
export async function createChannel(
  endpoint: TrickleEndpoint,
  contentType: string,
  signal: AbortSignal,
): Promise<void> {
  const headers = { "Expect-Content": contentType };
  const response = await trickleRequest(endpoint, { method: "POST", path: "", headers, signal });
  await accepted(endpoint, response);
}

/** `GET {channel}/next`: the number to publish next. Throws `channel_refused`, or a plain Error worth a retry. */
export async function nextSeq(endpoint: TrickleEndpoint, signal: AbortSignal): Promise<number> {
  const response = await trickleRequest(endpoint, { method: "GET", path: "/next", signal });
  const body = await accepted(endpoint, response);
  const seq = response.latest ?? (/^\d{1,15}$/.test(body) ? Number(body) : -1);
  if (seq >= 0) return seq;
  throw refused(endpoint, `it answered /next with no number${quoted(body)}`);
}

/**
 * `DELETE {channel}/{seq}`: closes a segment that will get no end. At most a second, never throws; false where the
 * server did not answer.
 */
export const deleteSegment = (endpoint: TrickleEndpoint, seq: number): Promise<boolean> =>
  bestEffortDelete(endpoint, `/${seq}`);

/** `DELETE {channel}`: ends the channel for all its readers. Best effort, at most a second. */
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
    return false; // The peer is gone; what was to be deleted may be, too, or its idle sweep takes it.
  }
}

async function accepted(endpoint: TrickleEndpoint, response: TrickleResponse): Promise<string> {
  const body = await response.text();
  if (response.closed) throw refused(endpoint, "it is closed");
  if (response.status === 200) return body;
  const answered = `its server answered ${response.status}${quoted(body)}`;
  if (response.status >= 500) throw new Error(answered);
  throw refused(endpoint, answered);
}

const refused = (endpoint: TrickleEndpoint, why: string): WorkerError =>
  new WorkerError("channel_refused", `channel ${endpoint.url} is not usable: ${why}`);

/** The beginning of what a peer says, on one line. */
const quoted = (body: string): string =>
  body === "" ? "" : `: ${body.slice(0, MAX_QUOTED).replace(/\s+/g, " ")}`;
