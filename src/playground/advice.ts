/** Turns errors into messages for the user, with advice on what to do. */
import { ApiError } from "./api.ts";
import { sentence } from "./sentence.ts";

/** An error shown to the user. */
export interface Problem {
  /** The server's error code, or `unreachable`. */
  readonly code: string;
  readonly what: string;
  /** What to do about it; may be empty. */
  readonly advice: string;
}

const ADVICE: Readonly<Record<string, string>> = {
  at_capacity: "Every place is taken. Stop a stream below, then start again.",
  engine_unavailable: "The engine is starting. Try again in a few seconds.",
  comfyui_unavailable: "Is the ComfyUI at COMFYUI_URL running?",
  device_unavailable: "Run `comfystream-byoc doctor` on the server to see why.",
  unknown_model: "Choose another model.",
  model_failed: "Choose another model; the server's log has the details.",
  refused_host: "Choose a channel on this server, or start the server with --allow-hosts.",
  channel_refused: "Check the channel's address and that something is publishing to it.",
  stream_not_found: "The stream has ended. Start a new one.",
  unsupported_media: "Send MPEG-TS, fragmented MP4 or WebM with H.264, H.265, VP8, VP9 or AV1.",
  unreachable: "Is it still running? The page reconnects by itself.",
};

/** Describes any thrown value. */
export function problemOf(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ApiError ? error.code : "";
  return { code, what: sentence(forPage(message)), advice: ADVICE[code] ?? "" };
}

/** Describes a graph that was refused with `count` problems, at a start or while a stream runs. */
export function graphProblem(
  count: number,
  message: string,
  when: "starting" | "running",
): Problem {
  const where = count === 1 ? "one problem" : `${count} problems`;
  const way = ANOTHER_COMFYUI.exec(message)?.[1]?.replace("has them", "has the missing nodes");
  return {
    code: "invalid_graph",
    what: `The graph cannot run: ${where}, shown below.`,
    advice: [way && sentence(way), when === "running" && "The stream goes on as it was."]
      .filter(Boolean)
      .join(" "),
  };
}

/** Matches the end of a message that names a ComfyUI which runs, or could run, nodes that this server lacks. */
const ANOTHER_COMFYUI = /; ((?:a ComfyUI that|the graph goes to) [^;]+)$/;

/** Names fields as the page does, and shortens messages that quote another server at length. */
function forPage(message: string): string {
  const named = message
    .replace(/^input_url(: the channel)?\b/, "the trickle channel")
    .replace(/^stream_url(: the channel)?\b/, "the output channel");
  return named.length > LONGEST ? `${named.slice(0, LONGEST)} …` : named;
}

const LONGEST = 240;

/** The camera cannot be opened or encoded. */
export class CameraError extends ApiError {
  constructor(message: string) {
    super("camera", 0, message);
  }
}
