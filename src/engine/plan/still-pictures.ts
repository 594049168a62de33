/** Decodes the pictures that parameters and model folders hold, once for each size in which models take them. */
import { join } from "node:path";
import { type PlainError, reason, toPlainError, WorkerError } from "../../errors.ts";
import { decodeImage } from "../codec/image-file.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { readRegularFile } from "../models/regular-file.ts";
import type { PictureSource, StillPicture } from "../models/roles/role.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { readPictureUri } from "../protocol/picture-uri.ts";
import type { Size } from "../protocol/work.ts";

const MAX_FILE_BYTES = 64 * 2 ** 20;
const DECODE_MS = 20_000;
/** Pictures that are kept: each parameter in a size or two, and the ones before. */
const KEPT = 8;

interface Entry {
  picture: StillPicture | null;
  error: PlainError | null;
  readonly done: Promise<void>;
}

/** Of one stream. A picture that cannot be decoded is reported by `error`, and the model runs without it. */
export class StillPictures implements Disposable {
  readonly #calls: NativeCalls;
  readonly #converter: PictureConverter;
  readonly #entries = new Map<string, Entry>();
  /** The last decoded picture of each place and size. */
  readonly #shown = new Map<string, StillPicture>();
  /** One at a time: the converter's calls must not overlap. */
  #last: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(calls: NativeCalls) {
    this.#calls = calls;
    this.#converter = new PictureConverter(calls);
  }

  /**
   * The picture in this size, cropped to its aspect; until it is decoded, the one that the same place showed before.
   *
   * @param place the model and tensor that get it
   * @param folder where files lie
   */
  get(
    place: string,
    source: PictureSource,
    folder: string | null,
    size: Size,
  ): StillPicture | null {
    const sides = `${size.width}x${size.height}`;
    const picture = this.#entry(source, folder, size, sides);
    if (picture === null) return this.#shown.get(`${sides} ${place}`) ?? null;
    this.#shown.set(`${sides} ${place}`, picture);
    return picture;
  }

  #entry(source: PictureSource, folder: string | null, size: Size, sides: string) {
    const origin = "uri" in source ? source.uri : join(folder ?? "", source.file);
    const key = `${sides} ${origin}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known); // the last one used is the last to go
      return known.picture;
    }
    const done = this.#last.then(() => this.#decode(entry, source, origin, size));
    const entry: Entry = { picture: null, error: null, done };
    this.#last = done;
    this.#entries.set(key, entry);
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= KEPT) break;
      this.#entries.delete(oldest);
    }
    return null;
  }

  /** Resolves when everything asked for so far is decoded or has failed. */
  get settled(): Promise<void> {
    return this.#last;
  }

  /** Why a picture in use cannot be decoded; null where all can. */
  get error(): PlainError | null {
    for (const { error } of this.#entries.values()) if (error !== null) return error;
    return null;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    void this.#last.then(() => this.#converter[Symbol.dispose]());
  }

  async #decode(entry: Entry, source: PictureSource, origin: string, size: Size): Promise<void> {
    if (this.#disposed) return;
    try {
      const file =
        "uri" in source
          ? bytesOf(source.uri)
          : await readRegularFile(origin, source.file, MAX_FILE_BYTES);
      using _call = this.#calls.begin("decode", DECODE_MS);
      const frame = await decodeImage(file);
      try {
        entry.picture = shared(await this.#converter.toPicture(frame, size, "cover"));
      } finally {
        frame.free();
      }
    } catch (error) {
      const { kind } = toPlainError(error);
      entry.error = { kind, message: `a picture cannot be used: ${reason(error)}` };
    }
  }
}

function bytesOf(uri: string): Uint8Array {
  const reading = readPictureUri(uri);
  if ("bytes" in reading) return reading.bytes;
  throw new WorkerError("invalid_request", reading.problem);
}

/** In shared memory, so that workers read it without a copy for every run. */
function shared({ data, width, height }: StillPicture): StillPicture {
  const copy = new Uint8Array(new SharedArrayBuffer(data.byteLength));
  copy.set(data);
  return { data: copy, width, height };
}
