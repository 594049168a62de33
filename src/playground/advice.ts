/** Hides which words a failure has, and what one can do about it. */
import { ApiError } from "./api.ts";
import type { Problem } from "./state.ts";

const ADVICE: Readonly<Record<string, string>> = {
  at_capacity: "Every place is taken. Stop a stream below, then start again.",
  engine_unavailable: "The engine is starting. Try again in a few seconds.",
  device_unavailable: "The device is not there. `comfystream-byoc doctor` on the server says why.",
  unknown_model: "Choose another model.",
  model_failed: "Choose another model; the server's log says what went wrong.",
  refused_host: "Choose a channel on this server, or start the server with --allow-hosts.",
  channel_refused: "Check that the channel's address is right and that somebody publishes there.",
  stream_not_found: "The stream is over. Start a new one.",
  unsupported_media: "Send MPEG-TS or fragmented MP4 with H.264 or H.265.",
  unreachable: "Is it still running? The page goes on by itself as soon as it answers.",
};

/** Any thrown value in words. */
export function problemOf(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ApiError ? error.code : "";
  return { code, what: sentence(inPageWords(message)), advice: ADVICE[code] ?? "" };
}

/** Fields by the names they have on the page; a foreign server's answer may be long. */
function inPageWords(message: string): string {
  const named = message
    .replace(/^(input_url)\b/, "the trickle channel")
    .replace(/^(stream_url)\b/, "the output channel");
  return named.length > LONGEST ? `${named.slice(0, LONGEST)} …` : named;
}

const LONGEST = 240;

/** The camera cannot be had, or not be encoded. */
export class CameraError extends ApiError {
  constructor(message: string) {
    super("camera", 0, message);
  }
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const closed = /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return closed.charAt(0).toUpperCase() + closed.slice(1);
}
