/** Hides how the camera becomes a trickle channel: opened, encoded, posted segment by segment, closed. */
import { CameraError } from "../advice.ts";
import { authorization } from "../api.ts";
import { CameraEncoder, type CameraFormat, canEncode } from "./camera-encoder.ts";
import { eachFrame } from "./video-frames.ts";

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
/** Segments that may wait for the one being posted; the oldest is left out for a newer one. */
const MAX_WAITING = 2;

export interface CameraTarget {
  /** Path of the channel on this server; made, and removed at the end. */
  readonly channel: string;
  /** Asked at every request. */
  readonly token: () => string;
  /** Ends it all: the camera's light goes out. */
  readonly signal: AbortSignal;
}

/** Why a browser gives no camera (Media Capture and Streams, 10.2). */
const REFUSALS: Readonly<Record<string, string>> = {
  NotFoundError: "no camera was found: plug one in, or choose another source",
  NotAllowedError: "the camera is not allowed: allow it in the address bar",
  NotReadableError: "another program uses the camera: end it there first",
};

/**
 * Publishes the camera until the signal aborts. Resolves, with the camera to look at, when the channel is there.
 * Throws CameraError.
 */
export async function openCamera({ channel, token, signal }: CameraTarget): Promise<MediaStream> {
  const preview = await navigator.mediaDevices
    .getUserMedia({ video: WANTED })
    .catch((error: unknown) => {
      const { name } = error instanceof DOMException ? error : new DOMException();
      throw new CameraError(REFUSALS[name] ?? `the camera cannot be used (${String(error)})`);
    });
  const [track] = preview.getVideoTracks();
  const ask = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(path, { ...init, method, headers: { ...authorization(token()), ...init.headers } });
  signal.addEventListener("abort", () => track?.stop(), { once: true });
  if (track === undefined) throw new CameraError("the camera has no picture");
  const { width = 640, height = 480, frameRate = 30 } = track.getSettings();
  const format: CameraFormat = { width, height, frameRate };
  if (!(await canEncode(format)))
    throw new CameraError(`this browser cannot encode ${width} × ${height} as H.264`);
  const made = await ask("POST", channel, { headers: { "Expect-Content": "video/mp4" } });
  if (!made.ok) throw new CameraError(`the server refused the camera's channel (${made.status})`);
  const remove = () => void ask("DELETE", channel, { keepalive: true }).catch(() => {}); // idle ones go by themselves
  addEventListener("pagehide", remove, { signal });
  void publish(track, format, signal, async (seq, segment) => {
    const headers = { "Content-Type": "video/mp4" };
    await ask("POST", `${channel}/${seq}`, { body: segment, headers });
  }).finally(remove);
  return preview;
}

type Post = (seq: number, segment: Uint8Array<ArrayBuffer>) => Promise<void>;

async function publish(
  track: MediaStreamTrack,
  format: CameraFormat,
  signal: AbortSignal,
  post: Post,
): Promise<void> {
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  let seq = 0;
  let posting = false;
  const drain = async (): Promise<void> => {
    if (posting) return;
    posting = true;
    for (let segment = waiting.shift(); segment && !signal.aborted; segment = waiting.shift())
      await post(seq++, segment).catch(() => {}); // a segment is lost; the next is another try
    posting = false;
  };
  const encoder = new CameraEncoder(
    format,
    (segment) => {
      waiting.push(segment);
      if (waiting.length > MAX_WAITING) waiting.shift();
      void drain();
    },
    () => track.stop(),
  );
  await eachFrame(track, signal, (frame) => encoder.encode(frame)).catch(() => {}); // aborted
  encoder.close();
}
