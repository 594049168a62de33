/** Makes the frames of a stream's `fallback`: a slate, the input's frame, the last output picture, or the operator's own. */
import { type PlainError, toPlainError } from "../../errors.ts";
import { Turns } from "../../streams/turns.ts";
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import { drawSlate } from "../codec/slate.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { isBuiltInFallback } from "../protocol/fallbacks.ts";
import type { Size, StreamParams } from "../protocol/work.ts";
import { decodeFallback } from "./fallback-picture.ts";
import type { PlanJob } from "./plan-result.ts";

export interface FallbackOptions {
  readonly workspace: string;
  readonly calls: NativeCalls;
  /** A picture of the operator's cannot be shown (an error), or can (null). The slate is shown until then. */
  readonly onTrouble: (error: PlainError | null) => void;
}

/** A picture that is the same in every frame: made once for each size. */
interface Still<F> {
  readonly key: string;
  readonly frame: F;
}

/**
 * Frames that show the same picture share its pixels: whoever changes them makes them writable before. What cannot be
 * shown is a slate instead: `passthrough` without input, `hold` before the first output picture.
 */
export class Fallback implements AsyncDisposable {
  readonly #options: FallbackOptions;
  readonly #converter: PictureConverter;
  #picture: Still<Promise<Frame>> | null = null;
  #slate: Still<Frame> | null = null;
  #held: Frame | null = null;
  /** Calls of the converter must not overlap. */
  readonly #turns = new Turns();

  constructor(options: FallbackOptions) {
    this.#options = options;
    this.#converter = new PictureConverter(options.calls);
  }

  /** Begins to decode the picture that the parameters name, so that it is there when it is wanted. */
  prepare({ fallback, fit }: StreamParams, size: Size): void {
    if (fallback === undefined || isBuiltInFallback(fallback)) return;
    const key = `${fallback} ${fit} ${size.width}x${size.height}`;
    if (this.#picture?.key === key) return;
    this.#releasePicture();
    const frame = this.#turns.run(() => this.#decode(fallback, size, fit));
    this.#picture = { key, frame };
    const { onTrouble } = this.#options;
    frame.then(
      () => onTrouble(null),
      (error) => onTrouble(toPlainError(error)),
    );
  }

  /** A frame of the models comes out. It is kept for `hold`, which a stream with any fallback may be changed to. */
  drawn(frame: Frame, params: StreamParams): void {
    this.#held?.free();
    this.#held = isKept(params) ? shared(frame) : null;
  }

  /** A yuv420p frame of the asked-for size, the caller's. */
  async frameFor({ frame, size, params }: PlanJob): Promise<Frame> {
    const { fallback, fit, paused } = params;
    if (fallback === "passthrough" && frame !== null) {
      return await this.#turns.run(() => this.#converter.resize(frame, size, fit));
    }
    if (fallback === "hold" && this.#held !== null)
      return await this.#heldAs(this.#held, size, fit);
    if (fallback !== undefined && !isBuiltInFallback(fallback)) {
      this.prepare(params, size);
      const own = await this.#picture?.frame.then(shared, () => null); // `prepare` has reported it
      if (own) return own;
    }
    return shared(this.#slateOf(size, paused ? "paused" : "waiting"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turns.settled();
    this.#releasePicture();
    this.#slate?.frame.free();
    this.#held?.free();
    this.#converter[Symbol.dispose]();
  }

  async #decode(name: string, size: Size, fit: StreamParams["fit"]): Promise<Frame> {
    const { workspace, calls } = this.#options;
    const whole = await decodeFallback(workspace, name, calls);
    try {
      return await this.#converter.resize(whole, size, fit);
    } finally {
      whole.free();
    }
  }

  /** The held picture in another size may be replaced while it is scaled. */
  async #heldAs(held: Frame, size: Size, fit: StreamParams["fit"]): Promise<Frame> {
    const frame = shared(held);
    if (frame.width === size.width && frame.height === size.height) return frame;
    try {
      return await this.#turns.run(() => this.#converter.resize(frame, size, fit));
    } finally {
      frame.free();
    }
  }

  #slateOf(size: Size, kind: "paused" | "waiting"): Frame {
    const key = `${kind} ${size.width}x${size.height}`;
    if (this.#slate?.key === key) return this.#slate.frame;
    this.#slate?.frame.free();
    this.#slate = { key, frame: drawSlate(size, kind) };
    return this.#slate.frame;
  }

  /** Once it is decoded; who waits for it takes a share of it before. */
  #releasePicture(): void {
    this.#picture?.frame.then(
      (frame) => frame.free(),
      () => {}, // there is none
    );
    this.#picture = null;
  }
}

/** A marker is drawn into the frame next, which would copy pixels that are kept: then only `hold` itself is worth it. */
const isKept = ({ fallback, marker = "none" }: StreamParams): boolean =>
  fallback === "hold" || (fallback !== undefined && marker === "none");

/** Another frame with the same pixels. */
function shared(frame: Frame): Frame {
  const clone = frame.clone();
  if (clone === null) throw new Error("no memory for a frame");
  return clone;
}
