/** Feeds a video element through MediaSource: appends bytes in order, removes old ones, and keeps the playhead near the newest picture. */
import type { LiveEdge } from "./live-edge.ts";
import type { Mp4Track } from "./mp4-boxes.ts";
import { join, type Mp4Piece } from "./mp4-pieces.ts";
import { type Sink, Unplayable } from "./sink.ts";

/** Seconds retained behind the playhead. */
const KEEP_BEHIND = 8;
/** Seconds behind the playhead at which old media is removed, so that it is not done at every append. */
const TRIM_FROM = 16;

/** The MIME type of a source with these tracks. */
function mimeOf(tracks: readonly Mp4Track[]): string {
  return `video/mp4; codecs="${tracks.map(({ codec }) => codec).join(", ")}"`;
}

/** One SourceBuffer. The caller opens a new sink if the kinds of tracks change or the element fails. */
export class MediaSink implements Sink {
  readonly #video: HTMLVideoElement;
  readonly #buffer: SourceBuffer;
  readonly #url: string;
  readonly #kinds: string;
  readonly #live: LiveEdge;
  #mime: string;
  /** Time of the newest picture. */
  #edge: number | null = null;

  private constructor(
    video: HTMLVideoElement,
    live: LiveEdge,
    buffer: SourceBuffer,
    url: string,
    tracks: readonly Mp4Track[],
  ) {
    this.#live = live;
    this.#video = video;
    this.#buffer = buffer;
    this.#url = url;
    this.#mime = mimeOf(tracks);
    this.#kinds = kindsOf(tracks);
  }

  /** Attaches to the element. Throws Unplayable. */
  static async open(
    video: HTMLVideoElement,
    tracks: readonly Mp4Track[],
    live: LiveEdge,
  ): Promise<MediaSink> {
    const mime = mimeOf(tracks);
    if (!MediaSource.isTypeSupported(mime)) throw new Unplayable(mime);
    const source = new MediaSource();
    const url = URL.createObjectURL(source);
    const open = new Promise<void>((resolve) => {
      source.addEventListener("sourceopen", () => resolve(), { once: true });
    });
    video.src = url;
    await open;
    return new MediaSink(video, live, source.addSourceBuffer(mime), url, tracks);
  }

  /** Switches to new tracks; false if that needs a new sink. Codec and size may change, the kinds of tracks may not. */
  accepts(tracks: readonly Mp4Track[]): boolean {
    if (this.#video.error !== null || kindsOf(tracks) !== this.#kinds) return false;
    const mime = mimeOf(tracks);
    if (mime === this.#mime) return true;
    if (!MediaSource.isTypeSupported(mime)) throw new Unplayable(mime);
    this.#buffer.changeType(mime);
    this.#mime = mime;
    return true;
  }

  /** Resolves when the bytes are buffered; throws if the element has failed. */
  async take(pieces: readonly Mp4Piece[]): Promise<void> {
    await this.#trim();
    const done = this.#settled();
    this.#buffer.appendBuffer(join(pieces.map(({ bytes }) => bytes)));
    await done;
    const newest = pieces.findLast((piece) => piece.kind === "fragment" && piece.track === "video");
    if (newest?.kind === "fragment") this.#hold(newest.time);
  }

  get behind(): number | null {
    return this.#edge === null ? null : Math.max(0, this.#edge - this.#video.currentTime);
  }

  /** Detaches from the element. */
  close(): void {
    URL.revokeObjectURL(this.#url);
    if (this.#video.src !== this.#url) return; // another player has the element
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** Keeps the playhead near the newest picture, which begins at `edge`. */
  #hold(edge: number): void {
    this.#edge = edge;
    const { buffered } = this.#buffer;
    if (buffered.length === 0) return;
    const video = this.#video;
    const start = buffered.start(buffered.length - 1);
    const move = this.#live.move({ at: video.currentTime, start, edge });
    if (move.kind === "jump") {
      video.currentTime = move.to;
      video.playbackRate = 1;
    } else if (video.playbackRate !== move.rate) video.playbackRate = move.rate;
    if (video.paused) video.play().catch(() => {}); // the page is hidden: the next picture retries
  }

  async #trim(): Promise<void> {
    const { buffered } = this.#buffer;
    const now = this.#video.currentTime;
    if (buffered.length === 0 || now - buffered.start(0) < TRIM_FROM) return;
    const done = this.#settled();
    this.#buffer.remove(0, now - KEEP_BEHIND);
    await done;
  }

  #settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const settle = (finish: () => void) => () => {
        over.abort();
        finish();
      };
      const fail = () =>
        reject(new Error(this.#video.error?.message ?? "the browser refused the bytes"));
      const { signal } = over;
      this.#buffer.addEventListener("updateend", settle(resolve), { signal });
      this.#buffer.addEventListener("error", settle(fail), { signal });
    });
  }
}

const kindsOf = (tracks: readonly Mp4Track[]): string => tracks.map(({ kind }) => kind).join();
