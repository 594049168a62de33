/** Plays a trickle channel live in a video element, and goes on after whatever happens to it. */
import { pause } from "../pause.ts";
import { readChannel } from "./channel-reader.ts";
import { LiveEdge } from "./live-edge.ts";
import { MediaSink, Unplayable } from "./media-sink.ts";
import { join, Mp4Pieces, NotMp4 } from "./mp4-pieces.ts";

/** How it stands with the picture; told with every change. */
export type Playback =
  | { readonly status: "waiting" }
  | { readonly status: "playing"; readonly sound: boolean }
  /** The channel carries what this browser cannot play; looked at again with every segment. */
  | { readonly status: "unplayable"; readonly why: string };

/** Seconds behind the newest picture that has come; null before the first. */
export type BehindLive = number | null;

const AGAIN_MS = 400;
/** Without a new picture for so long it waits, says the page. */
const SILENT_MS = 1500;

/**
 * Plays until the signal aborts; never rejects. The caller mutes the element or has the user's leave for sound.
 * `behind` is told a few times a second.
 */
export async function playLive(
  video: HTMLVideoElement,
  url: string,
  signal: AbortSignal,
  told: (playback: Playback, behind: BehindLive) => void,
): Promise<void> {
  const player = new LivePlayer(video, told, signal);
  try {
    while (!signal.aborted) {
      try {
        await player.follow(url, signal);
      } catch (error) {
        if (!signal.aborted) player.failed(error);
      }
      await pause(AGAIN_MS, signal).catch(() => {}); // the loop looks at the signal
    }
  } finally {
    player.close();
  }
}

class LivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #told: (playback: Playback, behind: BehindLive) => void;
  readonly #pieces = new Mp4Pieces(() => !this.#video.muted);
  readonly #live = new LiveEdge();
  #sink: MediaSink | null = null;
  #edge = Number.NEGATIVE_INFINITY;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    video: HTMLVideoElement,
    told: (playback: Playback, behind: BehindLive) => void,
    signal: AbortSignal,
  ) {
    this.#video = video;
    this.#told = told;
    // A jump waits for its picture, too, and tells nothing of the network.
    const stalled = () => video.seeking || this.#live.stalled();
    video.addEventListener("waiting", stalled, { signal });
    told({ status: "waiting" }, null);
  }

  /** Until the channel ends. Throws what the next try may heal. */
  async follow(url: string, signal: AbortSignal): Promise<void> {
    for await (const event of readChannel(url, signal)) {
      if (event.kind === "segment") this.#pieces.restart();
      else await this.#take(event.data);
    }
  }

  failed(error: unknown): void {
    this.#dropSink();
    if (error instanceof NotMp4 || error instanceof Unplayable)
      this.#told({ status: "unplayable", why: error.message }, null);
    else this.#told({ status: "waiting" }, null);
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#dropSink();
  }

  async #take(data: Uint8Array): Promise<void> {
    let run: Uint8Array[] = [];
    const flush = async (): Promise<void> => {
      if (this.#sink !== null && run.length > 0) await this.#sink.append(join(run));
      run = [];
    };
    let pictures = false;
    for (const piece of this.#pieces.push(data)) {
      if (piece.kind === "init") {
        await flush();
        if (this.#sink?.accepts(piece.tracks) !== true) {
          this.#dropSink();
          this.#sink = await MediaSink.open(this.#video, piece.tracks);
        }
      } else if (piece.track === "video") {
        pictures = true;
        this.#edge = piece.time;
      }
      run.push(piece.bytes);
    }
    await flush();
    if (pictures) this.#hold();
  }

  /** Keeps the playhead near the newest picture. */
  #hold(): void {
    const newest = this.#sink?.newest;
    if (!newest) return;
    const video = this.#video;
    const { start } = newest;
    const move = this.#live.move({ at: video.currentTime, start, edge: this.#edge });
    if (move.kind === "jump") {
      video.currentTime = move.to;
      video.playbackRate = 1;
    } else if (video.playbackRate !== move.rate) video.playbackRate = move.rate;
    if (video.paused) video.play().catch(() => {}); // a hidden page: the next picture tries again
    this.#told(
      { status: "playing", sound: this.#pieces.hasSound },
      Math.max(0, this.#edge - video.currentTime),
    );
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#told({ status: "waiting" }, null), SILENT_MS);
  }

  #dropSink(): void {
    this.#sink?.close();
    this.#sink = null;
    this.#edge = Number.NEGATIVE_INFINITY;
  }
}
