/** Hides MediaSource: one at a time behind a video element, bytes appended in order, old ones let go. */
import type { Mp4Track } from "./mp4-boxes.ts";

/** Seconds that stay behind the playhead. */
const KEEP_BEHIND = 8;
/** Trimming costs a little: not before so much has gathered. */
const TRIM_FROM = 16;

/** `mime` cannot be played by this browser. */
export class Unplayable extends Error {
  override readonly name = "Unplayable";
  readonly codecs: string;
  constructor(codecs: string) {
    super(`this browser cannot play ${codecs}`);
    this.codecs = codecs;
  }
}

/** What an init segment makes of a source. */
export function mimeOf(tracks: readonly Mp4Track[]): string {
  return `video/mp4; codecs="${tracks.map(({ codec }) => codec).join(", ")}"`;
}

/** One SourceBuffer fed with pieces. Made anew when the number of tracks changes or the element failed. */
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

  /** Takes the element over; throws Unplayable. */
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

  /** Takes new tracks over if the source can go on with them; a new codec or size may, another number of tracks not. */
  accepts(tracks: readonly Mp4Track[]): boolean {
    if (this.#video.error !== null || kindsOf(tracks) !== this.#kinds) return false;
    const mime = mimeOf(tracks);
    if (mime === this.#mime) return true;
    if (!MediaSource.isTypeSupported(mime)) throw new Unplayable(mime);
    this.#buffer.changeType(mime);
    this.#mime = mime;
    return true;
  }

  /** Resolves when the bytes are in; throws where the element has failed. */
  async append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#trim();
    const done = this.#settled();
    this.#buffer.appendBuffer(bytes);
    await done;
  }

  /** Start and end of the newest run of pictures, in seconds; null while there is none. */
  get newest(): { start: number; end: number } | null {
    const { buffered } = this.#buffer;
    const last = buffered.length - 1;
    return last < 0 ? null : { start: buffered.start(last), end: buffered.end(last) };
  }

  /** Lets go of the element's media. */
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
      const fail = () => reject(new Error(this.#video.error?.message ?? "the bytes were refused"));
      const { signal } = over;
      this.#buffer.addEventListener("updateend", settle(resolve), { signal });
      this.#buffer.addEventListener("error", settle(fail), { signal });
    });
  }
}

const kindsOf = (tracks: readonly Mp4Track[]): string => tracks.map(({ kind }) => kind).join();
