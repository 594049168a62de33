/** Reads frames and sound from the tracks of a camera, which browsers offer in different ways. */

/** An extension of WebRTC that Chromium offers in pages; TypeScript's DOM library does not have it. */
declare class MediaStreamTrackProcessor<Data> {
  constructor(init: { track: MediaStreamTrack });
  readonly readable: ReadableStream<Data>;
}

const hasProcessor = "MediaStreamTrackProcessor" in globalThis;

/** Whether this browser lets a page read a microphone. */
export const canReadSound = hasProcessor && "AudioEncoder" in globalThis;

/** Hands every frame to `take`, which closes it, until the track ends. Rejects when the signal aborts. */
export async function eachFrame(
  track: MediaStreamTrack,
  signal: AbortSignal,
  take: (frame: VideoFrame) => void,
): Promise<void> {
  if (hasProcessor) await eachOf<VideoFrame>(track, signal, take);
  else await eachShownFrame(track, signal, take);
}

/** Hands every piece of sound to `take`, which closes it, until the track ends. Rejects when the signal aborts. */
export const eachSound = (
  track: MediaStreamTrack,
  signal: AbortSignal,
  take: (sound: AudioData) => void,
): Promise<void> => eachOf<AudioData>(track, signal, take);

function eachOf<Data>(
  track: MediaStreamTrack,
  signal: AbortSignal,
  take: (data: Data) => void,
): Promise<void> {
  const { readable } = new MediaStreamTrackProcessor<Data>({ track });
  return readable.pipeTo(new WritableStream<Data>({ write: take }), { signal });
}

/** Fallback: reads frames as a video element shows them, which stops while the page is in the background. */
async function eachShownFrame(
  track: MediaStreamTrack,
  signal: AbortSignal,
  take: (frame: VideoFrame) => void,
): Promise<void> {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  track.addEventListener("ended", () => resolve(), { signal });
  const next = (now: number): void => {
    if (signal.aborted) return;
    take(new VideoFrame(video, { timestamp: Math.round(now * 1000) }));
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
  await over;
  video.srcObject = null;
}
