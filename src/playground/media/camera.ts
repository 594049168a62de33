/** Publishes the camera, with its microphone, as a trickle channel: opens it, encodes it, posts its segments, removes it. */
import { CameraError } from "../advice.ts";
import { authorization } from "../api.ts";
import { CameraEncoder, type CameraFormat, canEncode } from "./camera-encoder.ts";
import { FrameMarker } from "./frame-marker.ts";
import { MicrophoneEncoder } from "./microphone-encoder.ts";
import { canReadSound, eachFrame, eachSound } from "./track-reader.ts";

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
/** Segments that may wait for the one being posted; the oldest makes room for a newer one. */
const MAX_WAITING = 2;

export interface CameraTarget {
  /** Path of the channel on this server; created here, and removed at the end. */
  readonly channel: string;
  /** Called for every request. */
  readonly token: () => string;
  /** The number to draw into the corner of a frame as it comes from the camera; null for none. */
  readonly marker: () => number | null;
  /** Ends everything: the camera's light goes out. */
  readonly signal: AbortSignal;
}

/** Why a browser refuses the camera (Media Capture and Streams, 10.2). */
const REFUSALS: Readonly<Record<string, string>> = {
  NotFoundError: "no camera was found: connect one, or choose another source",
  NotAllowedError: "the camera is blocked: allow it in the address bar",
  NotReadableError: "another program is using the camera: close it first",
};

/**
 * Publishes the camera until the signal aborts. Resolves with the camera's own picture once the channel exists.
 * Throws CameraError.
 */
export async function openCamera(target: CameraTarget): Promise<MediaStream> {
  const { channel, token, signal } = target;
  const preview = await cameraAndMicrophone();
  signal.addEventListener("abort", () => stopTracks(preview), { once: true });
  const [picture] = preview.getVideoTracks();
  if (picture === undefined) throw new CameraError("the camera has no picture");
  const { width = 640, height = 480, frameRate = 30 } = picture.getSettings();
  const format: CameraFormat = { width, height, frameRate };
  if (!(await canEncode(format)))
    throw new CameraError(`this browser cannot encode ${width} × ${height} as H.264`);
  const ask = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(path, { ...init, method, headers: { ...authorization(token()), ...init.headers } });
  const created = await ask("POST", channel, { headers: { "Expect-Content": "video/mp4" } });
  if (!created.ok)
    throw new CameraError(`the server refused the camera's channel (${created.status})`);
  const remove = () => void ask("DELETE", channel, { keepalive: true }).catch(() => {}); // the server removes idle channels
  addEventListener("pagehide", remove, { signal });
  const post: Post = async (seq, segment) => {
    const headers = { "Content-Type": "video/mp4" };
    await ask("POST", `${channel}/${seq}`, { body: segment, headers });
  };
  const microphone = preview.getAudioTracks()[0] ?? null;
  void publish({ picture, microphone, format, post, ...target }).finally(() => {
    stopTracks(preview); // a camera that is unplugged leaves its microphone on
    remove();
  });
  return preview;
}

/** The camera with its microphone; alone where there is no microphone, it is blocked, or it cannot be encoded. */
async function cameraAndMicrophone(): Promise<MediaStream> {
  const { mediaDevices } = navigator;
  if (canReadSound) {
    const both = await mediaDevices.getUserMedia({ video: WANTED, audio: true }).catch(() => null);
    if (both !== null) return both;
  }
  return await mediaDevices.getUserMedia({ video: WANTED }).catch((error: unknown) => {
    const { name } = error instanceof DOMException ? error : new DOMException();
    throw new CameraError(REFUSALS[name] ?? `the camera cannot be used (${String(error)})`);
  });
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

type Post = (seq: number, segment: Uint8Array<ArrayBuffer>) => Promise<void>;

interface Publishing extends Pick<CameraTarget, "marker" | "signal"> {
  readonly picture: MediaStreamTrack;
  readonly microphone: MediaStreamTrack | null;
  readonly format: CameraFormat;
  readonly post: Post;
}

async function publish(publishing: Publishing): Promise<void> {
  const { picture, microphone, format, marker, signal, post } = publishing;
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  let seq = 0;
  let posting = false;
  const drain = async (): Promise<void> => {
    if (posting) return;
    posting = true;
    for (let segment = waiting.shift(); segment && !signal.aborted; segment = waiting.shift())
      await post(seq++, segment).catch(() => {}); // this segment is lost; the next one may arrive
    posting = false;
  };
  const sound = microphone && new MicrophoneEncoder(() => microphone.stop());
  const encoder = new CameraEncoder(
    format,
    sound,
    (segment) => {
      waiting.push(segment);
      if (waiting.length > MAX_WAITING) waiting.shift();
      void drain();
    },
    () => picture.stop(),
  );
  if (microphone !== null && sound !== null)
    void eachSound(microphone, signal, (piece) => sound.encode(piece)).catch(() => {}); // aborted
  const marking = new FrameMarker();
  const encode = (frame: VideoFrame) => {
    const number = marker();
    encoder.encode(number === null ? frame : marking.mark(frame, number));
  };
  await eachFrame(picture, signal, encode).catch(() => {}); // aborted
  encoder.close();
}
