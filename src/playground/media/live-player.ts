/** Plays a trickle channel live in a video element and recovers from any interruption. */
import { delay } from "../delay.ts";
import { readChannel } from "./channel-reader.ts";
import { DecoderFailed, FrameSink } from "./frame-sink.ts";
import { LiveEdge } from "./live-edge.ts";
import { MediaSink } from "./media-sink.ts";
import type { Mp4Track } from "./mp4-boxes.ts";
import { type Mp4Piece, Mp4Pieces, NotMp4 } from "./mp4-pieces.ts";
import { type Sink, Unplayable } from "./sink.ts";

/** The player's state. */
export type Playback =
  | { readonly status: "waiting" }
  | { readonly status: "playing"; readonly sound: boolean }
  /** This browser cannot play what the channel carries; checked again with every segment. */
  | { readonly status: "unplayable"; readonly why: string };

/** Seconds behind the newest picture received; null before the first. */
export type BehindLive = number | null;

const RETRY_MS = 400;
/** Time without a new picture after which the state is `waiting`. */
const SILENT_MS = 1500;

/**
 * Plays until the signal aborts; never rejects. The element must be muted unless the user has allowed sound; while it is
 * muted, sound is not played at all, which keeps latency low. `onChange` is called a few times a second.
 */
export async function playLive(
  video: HTMLVideoElement,
  url: string,
  signal: AbortSignal,
  onChange: (playback: Playback, behind: BehindLive) => void,
): Promise<void> {
  const player = new LivePlayer(video, onChange, signal);
  try {
    while (!signal.aborted) {
      try {
        await player.follow(url, signal);
      } catch (error) {
        if (!signal.aborted) player.failed(error);
      }
      await delay(RETRY_MS, signal).catch(() => {}); // the loop checks the signal
    }
  } finally {
    player.close();
  }
}

class LivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #onChange: (playback: Playback, behind: BehindLive) => void;
  readonly #pieces = new Mp4Pieces(() => !this.#video.muted);
  readonly #live = new LiveEdge();
  #sink: Sink | null = null;
  /** False once a decoder of the page's own has failed: it is not tried again. */
  #decodes = true;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    video: HTMLVideoElement,
    onChange: (playback: Playback, behind: BehindLive) => void,
    signal: AbortSignal,
  ) {
    this.#video = video;
    this.#onChange = (playback, behind) => {
      if (!signal.aborted) onChange(playback, behind);
    };
    // The element also waits after a jump, and before a first picture, which says nothing about the network.
    const stalled = () => {
      if (this.#sink instanceof MediaSink && !video.seeking) this.#live.stalled();
    };
    video.addEventListener("waiting", stalled, { signal });
    onChange({ status: "waiting" }, null);
  }

  /** Plays until the channel ends. Throws errors that a new attempt may resolve. */
  async follow(url: string, signal: AbortSignal): Promise<void> {
    for await (const event of readChannel(url, signal)) {
      if (event.kind === "segment") this.#pieces.restart();
      else await this.#take(event.data);
    }
  }

  failed(error: unknown): void {
    if (error instanceof DecoderFailed) this.#decodes = false;
    this.#dropSink();
    if (error instanceof NotMp4 || error instanceof Unplayable)
      this.#onChange({ status: "unplayable", why: error.message }, null);
    else this.#onChange({ status: "waiting" }, null);
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#dropSink();
  }

  async #take(data: Uint8Array): Promise<void> {
    let run: Mp4Piece[] = [];
    const flush = async (): Promise<void> => {
      if (this.#sink !== null && run.length > 0) await this.#sink.take(run);
      run = [];
    };
    let pictures = false;
    for (const piece of this.#pieces.push(data)) {
      if (piece.kind === "init") {
        await flush();
        if (this.#sink?.accepts(piece.tracks) !== true) {
          this.#dropSink();
          this.#sink = await this.#open(piece.tracks);
        }
      } else if (piece.track === "video") pictures = true;
      run.push(piece);
    }
    await flush();
    if (pictures) this.#playing();
  }

  async #open(tracks: readonly Mp4Track[]): Promise<Sink> {
    const sink = this.#decodes ? await FrameSink.open(this.#video, tracks) : null;
    return sink ?? (await MediaSink.open(this.#video, tracks, this.#live));
  }

  #playing(): void {
    this.#onChange({ status: "playing", sound: this.#pieces.hasSound }, this.#sink?.behind ?? null);
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#onChange({ status: "waiting" }, null), SILENT_MS);
  }

  #dropSink(): void {
    this.#sink?.close();
    this.#sink = null;
  }
}
