/** A video with its caption: a channel played live, or the camera's own picture. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { canMeasureDelay, followDelay } from "../media/delay-reader.ts";
import { type Playback, playLive } from "../media/live-player.ts";
import { pendingText } from "../pending.ts";
import { behind, delay, models, problem, serverNow, shown } from "../state.ts";
import { Glow } from "./glow.tsx";

interface LivePictureProps {
  /** Path of a channel on this server. */
  readonly channel: string;
  readonly shows: "input" | "output";
}

export function LivePicture({ channel, shows }: LivePictureProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const [playback, setPlayback] = useState<Playback>({ status: "waiting" });
  const [muted, setMuted] = useState(true);
  const [last, setLast] = useState<LastSeen>(NOTHING_SEEN);
  useLayoutEffect(() => {
    const video = ref.current;
    if (video === null) return;
    const over = new AbortController();
    void playLive(video, channel, over.signal, (now, seconds) => {
      setPlayback((before) => (same(before, now) ? before : now));
      if (now.status === "playing") setLast(lastSeen);
      if (shows !== "output") return;
      behind.value = seconds === null ? null : round(seconds);
      if (seconds === null) delay.value = null;
    });
    return () => over.abort();
  }, [channel, shows]);
  const output = shows === "output";
  const isMarked = output && canMeasureDelay && (shown.value?.params.marker ?? "none") !== "none";
  useEffect(() => {
    const video = ref.current;
    if (!isMarked || video === null) return;
    const over = new AbortController();
    const onDelay = (ms: number | null) => {
      delay.value = ms;
    };
    followDelay(video, { now: serverNow, signal: over.signal, onDelay });
    return () => {
      over.abort();
      delay.value = null;
    };
  }, [channel, isMarked]);
  return (
    <figure class={`picture ${playback.status}`}>
      {output && <Glow video={ref} />}
      <video ref={ref} muted={muted} playsInline aria-label={output ? "Live output" : "Input"} />
      <div class="over" role="status">
        {playback.status === "waiting" && (
          <p>
            <span class="spinner" aria-hidden="true" /> {waitingText(output, last)}
          </p>
        )}
        {playback.status === "unplayable" && <p>Cannot be shown here: {playback.why}.</p>}
      </div>
      <figcaption>
        {output ? <OutputCaption /> : <span>Input</span>}
        <span class="tools">
          {playback.status === "playing" && playback.sound && output && (
            <button type="button" class="quiet" onClick={() => setMuted(!muted)}>
              {muted ? "Sound on" : "Sound off"}
            </button>
          )}
          {output && (
            <button
              type="button"
              class="quiet"
              onClick={() => void ref.current?.requestFullscreen().catch(() => {})}
            >
              Full screen
            </button>
          )}
        </span>
      </figcaption>
    </figure>
  );
}

export function CameraPicture({ preview }: { preview: MediaStream }) {
  const ref = useRef<HTMLVideoElement>(null);
  const [microphone] = preview.getAudioTracks();
  const [silent, setSilent] = useState(microphone?.enabled === false);
  useEffect(() => {
    const video = ref.current;
    if (video === null) return;
    video.srcObject = preview;
    video.play().catch(() => {}); // the element was removed meanwhile
    return () => {
      video.srcObject = null;
    };
  }, [preview]);
  return (
    <figure class="picture playing">
      <video ref={ref} muted playsInline aria-label="Your camera" />
      <figcaption>
        <span>Your camera</span>
        {microphone && (
          <span class="tools">
            <button
              type="button"
              class="quiet"
              onClick={() => {
                microphone.enabled = silent;
                setSilent(!silent);
              }}
            >
              {silent ? "Microphone on" : "Microphone off"}
            </button>
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function OutputCaption() {
  const stream = shown.value;
  const seconds = behind.value;
  const size = stream && `${stream.metadata.width} × ${stream.metadata.height}`;
  return (
    <span class="caption">
      <span class={seconds === null ? "live off" : "live"}>Live</span>
      {stream && (
        <span>
          {stream.stats.model} · {size}
        </span>
      )}
      {seconds !== null && <span class="behind">{seconds.toFixed(1)} s behind</span>}
      <span class="pending" role="status">
        {stream && pendingText(stream, { models: models.value, now: serverNow() })}
      </span>
    </span>
  );
}

/** Whether a picture has been shown, and the engine's restarts at that time. */
type LastSeen = { readonly seen: boolean; readonly restarts: number };
const NOTHING_SEEN: LastSeen = { seen: false, restarts: 0 };

function lastSeen(before: LastSeen): LastSeen {
  const restarts = shown.value?.stats.restarts ?? before.restarts;
  return before.seen && restarts === before.restarts ? before : { seen: true, restarts };
}

function waitingText(output: boolean, { seen, restarts }: LastSeen): string {
  if (problem.value?.code === "unreachable") return "The server is not responding …";
  if (!output) return seen ? "The input has stopped …" : "Waiting for the input …";
  if (!seen) return "Waiting for the first picture …";
  const now = shown.value;
  if ((now?.stats.restarts ?? 0) > restarts) return "The engine is restarting …";
  return now?.stats.fps_in === 0 ? "The input has stopped …" : "Waiting for the next picture …";
}

const round = (seconds: number): number => Math.round(seconds * 10) / 10;

const same = (a: Playback, b: Playback): boolean => JSON.stringify(a) === JSON.stringify(b);
