/** Hides how pictures are had from a camera's track, which browsers do differently. */

/** WebRTC's extension that Chromium has in pages; not in TypeScript's DOM library. */
declare class MediaStreamTrackProcessor {
  constructor(init: { track: MediaStreamTrack });
  readonly readable: ReadableStream<VideoFrame>;
}

/** Hands every frame to `take`, which closes it, until the track ends or the signal aborts. */
export async function eachFrame(
  track: MediaStreamTrack,
  signal: AbortSignal,
  take: (frame: VideoFrame) => void,
): Promise<void> {
  if ("MediaStreamTrackProcessor" in globalThis) {
    const { readable } = new MediaStreamTrackProcessor({ track });
    const sink = new WritableStream<VideoFrame>({ write: take });
    await readable.pipeTo(sink, { signal });
    return;
  }
  await eachShownFrame(track, signal, take);
}

/** Elsewhere frames are had only as they are shown, which a page in the background is not. */
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
