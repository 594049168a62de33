/** Feeds a video element through MediaSource: appends bytes in order and removes old ones. */
import type { Mp4Track } from "./mp4-boxes.ts";

/** Seconds retained behind the playhead. */
const KEEP_BEHIND = 8;
/** Seconds behind the playhead at which old media is removed, so that it is not done at every append. */
const TRIM_FROM = 16;

/** This browser cannot play the channel's codecs. */
export class Unplayable extends Error {
  override readonly name = "Unplayable";
  readonly codecs: string;
  constructor(codecs: string) {
    super(`this browser cannot play ${codecs}`);
    this.codecs = codecs;
  }
}

/** The MIME type of a source with these tracks. */
function mimeOf(tracks: readonly Mp4Track[]): string {
  return `video/mp4; codecs="${tracks.map(({ codec }) => codec).join(", ")}"`;
}

/** One SourceBuffer. The caller opens a new sink if the kinds of tracks change or the element fails. */
export class MediaSink {
  readonly #video: HTMLVideoElement;
  readonly #buffer: SourceBuffer;
  readonly #url: string;
  readonly #kinds: string;
  #mime: string;

  private constructor(
    video: HTMLVideoElement,
    buffer: SourceBuffer,
    url: string,
    tracks: readonly Mp4Track[],
  ) {
    this.#video = video;
    this.#buffer = buffer;
    this.#url = url;
    this.#mime = mimeOf(tracks);
    this.#kinds = kindsOf(tracks);
  }

  /** Attaches to the element. Throws Unplayable. */
  static async open(video: HTMLVideoElement, tracks: readonly Mp4Track[]): Promise<MediaSink> {
    const mime = mimeOf(tracks);
    if (!MediaSource.isTypeSupported(mime)) throw new Unplayable(mime);
    const source = new MediaSource();
    const url = URL.createObjectURL(source);
    const open = new Promise<void>((resolve) => {
      source.addEventListener("sourceopen", () => resolve(), { once: true });
    });
    video.src = url;
    await open;
    return new MediaSink(video, source.addSourceBuffer(mime), url, tracks);
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
  async append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#trim();
    const done = this.#settled();
    this.#buffer.appendBuffer(bytes);
    await done;
  }

  /** Start and end of the newest buffered range, in seconds; null if nothing is buffered. */
  get newest(): { start: number; end: number } | null {
    const { buffered } = this.#buffer;
    const last = buffered.length - 1;
    return last < 0 ? null : { start: buffered.start(last), end: buffered.end(last) };
  }

  /** Detaches from the element. */
  close(): void {
    URL.revokeObjectURL(this.#url);
    this.#video.removeAttribute("src");
    this.#video.load();
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
