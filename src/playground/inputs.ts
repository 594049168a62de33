/** The inputs that this page has opened for its streams: the camera, or a channel. */
import { markerTime } from "../media/marker.ts";
import type { Stream } from "./api.ts";
import { localChannel, ownChannels } from "./channels.ts";
import type { Draft } from "./draft.ts";
import { openCamera } from "./media/camera.ts";
import * as state from "./state.ts";

interface OpenInput {
  readonly input: state.Input;
  readonly ending: AbortController;
}

/** By stream id. */
const open = new Map<string, OpenInput>();

/** The stream's input, as far as this page can show it. */
export const inputOf = ({ manifest_id: id, input_url: url }: Stream): state.Input =>
  open.get(id)?.input ??
  (url === null ? { kind: "none" } : { kind: "channel", url, channel: localChannel(url) });

/** Whether this page has opened the stream's input. */
export const hasInput = (id: string): boolean => open.has(id);

/** Keeps the input open until `release`. */
export function retain(id: string, opened: OpenInput): void {
  open.set(id, opened);
}

/** Closes the camera and whatever else was opened for a stream. */
export function release(id: string): void {
  open.get(id)?.ending.abort();
  open.delete(id);
}

/** Opens the input that the form asks for; `url` is that of the camera's channel. Closes the camera when the signal aborts. */
export async function openInput(
  asked: Draft,
  url: string,
  signal: AbortSignal,
): Promise<state.Input> {
  switch (asked.source) {
    case "none":
      return { kind: "none" };
    case "camera": {
      const channel = new URL(url).pathname;
      const token = () => state.token.value;
      const marker = () => (isMeasured(url) ? markerTime(state.serverNow()) : null);
      const preview = await openCamera({ channel, token, marker, signal });
      return { kind: "camera", url, preview };
    }
    case "channel": {
      const channel = localChannel(asked.inputUrl);
      // The server reads its own channel at its own address, which may differ from the page's.
      const here = channel === null ? null : new URL(channel, ownChannels).href;
      return { kind: "channel", url: here ?? asked.inputUrl, channel };
    }
  }
}

/** Whether a stream with this input keeps the markers of its frames. */
const isMeasured = (url: string): boolean =>
  state.streams.value.some(
    ({ input_url, params }) => input_url === url && params.marker === "input",
  );
