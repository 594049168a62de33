/** Decodes the pictures that parameters and model folders hold, once for each size in which models take them. */
import { join } from "node:path";
import { type PlainError, reason, toPlainError, WorkerError } from "../../errors.ts";
import { decodeImage } from "../codec/image-file.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { readRegularFile } from "../models/regular-file.ts";
import type { PictureSource, StillPicture } from "../models/roles/role.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { ParamValues } from "../protocol/models.ts";
import { readPictureUri } from "../protocol/picture-uri.ts";
import type { Size } from "../protocol/work.ts";

const MAX_FILE_BYTES = 64 * 2 ** 20;
const DECODE_MS = 20_000;
/** Sizes in which a place keeps its picture: that of the stream, and those before it changed its size. */
const KEPT_SIZES = 4;

/** A data URI, or how many times files had been read again. */
type Version = string | number;

/** A picture in one size. */
interface Entry {
  readonly version: Version;
  /** Until it is decoded, and where it cannot be, the one that it replaces. */
  picture: StillPicture | null;
}

/** A tensor that gets a picture, which may change. */
interface Place {
  readonly sizes: Map<string, Entry>;
  /** The newest that was asked for. */
  version: Version;
  /** The name of the file that was asked for; null for a parameter's picture. */
  file: string | null;
  /** Why that cannot be decoded; the message lacks its subject, the parameter or file. */
  error: PlainError | null;
  /** How many times files had been read again when it was asked for last. */
  lastAsked: number;
}

/** Of one stream. A picture that cannot be decoded is reported, and the model runs with the one before. */
export class StillPictures implements Disposable {
  readonly #calls: NativeCalls;
  readonly #converter: PictureConverter;
  readonly #places = new Map<string, Place>();
  #refreshes = 0;
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
    const version = "uri" in source ? source.uri : this.#refreshes;
    const at = this.#place(place, version);
    at.file = "file" in source ? source.file : null;
    const key = `${size.width}x${size.height}`;
    const known = at.sizes.get(key);
    // Pictures are megabytes of text: one that has not changed is the same string, and compared at once.
    if (known?.version === version) return known.picture;
    const entry: Entry = { version, picture: known?.picture ?? null };
    at.sizes.delete(key);
    at.sizes.set(key, entry);
    for (const [oldest] of at.sizes) {
      if (at.sizes.size <= KEPT_SIZES) break;
      at.sizes.delete(oldest);
    }
    this.#last = this.#last.then(async () => {
      if (this.#disposed || at.sizes.get(key) !== entry) return; // it has been replaced already
      try {
        entry.picture = await this.#decode(source, folder, size);
      } catch (error) {
        if (at.version === version) at.error = withoutSubject(error);
      }
    });
    return entry.picture;
  }

  /** Files may have changed: they are read when they are asked for next. Places not asked for since the last call end. */
  refresh(): void {
    for (const [key, { lastAsked }] of this.#places) {
      if (lastAsked < this.#refreshes) this.#places.delete(key);
    }
    this.#refreshes++;
  }

  /** Resolves when everything asked for so far is decoded or has failed. */
  get settled(): Promise<void> {
    return this.#last;
  }

  /** Why a file, or a picture that these parameters hold, cannot be decoded; null where all can. */
  errorWith(params: ParamValues): PlainError | null {
    for (const { error, version, file } of this.#places.values()) {
      if (error === null) continue;
      const [name] = Object.entries(params).find(([, value]) => value === version) ?? [file];
      if (name !== null) return { ...error, message: `${name} ${error.message}` };
    }
    return null;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    void this.#last.then(() => this.#converter[Symbol.dispose]());
  }

  #place(key: string, version: Version): Place {
    const known = this.#places.get(key);
    const place: Place = known ?? {
      sizes: new Map(),
      version,
      file: null,
      error: null,
      lastAsked: 0,
    };
    if (known === undefined) this.#places.set(key, place);
    if (place.version !== version) place.error = null;
    place.version = version;
    place.lastAsked = this.#refreshes;
    return place;
  }

  async #decode(source: PictureSource, folder: string | null, size: Size): Promise<StillPicture> {
    const file =
      "uri" in source
        ? bytesOf(source.uri)
        : await readRegularFile(join(folder ?? "", source.file), source.file, MAX_FILE_BYTES);
    using _call = this.#calls.begin("decode", DECODE_MS);
    const frame = await decodeImage(file);
    try {
      return shared(await this.#converter.toPicture(frame, size, "cover"));
    } finally {
      frame.free();
    }
  }
}

/** An error whose message follows the name of what holds the picture. */
function withoutSubject(error: unknown): PlainError {
  const { kind, details } = toPlainError(error);
  return { kind, message: details?.[0]?.problem ?? `cannot be used: ${reason(error)}` };
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
