/** One picture in this engine: from its file or from nothing, through the models, to a PNG. */
import { toPlainError, WorkerError } from "../../errors.ts";
import type { Picture } from "../../media/picture.ts";
import { ticks } from "../../media/time.ts";
import { decodeImage, encodePng } from "../codec/image-file.ts";
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import type { ModelHost } from "../device/model-host.ts";
import type { NodePicture } from "../device/worker/calls.ts";
import { PlanExecutor } from "../plan/executor.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import {
  DEFAULT_SIZE,
  type ImageJob,
  type ImageResult,
  type ImageStep,
  type MadePicture,
  type Size,
} from "../protocol/work.ts";
import type { EngineWork, Send } from "./engine-work.ts";

/** What may cross to the server in one message, in all. */
const MAX_PNG_BYTES = 32 * 1024 * 1024;

/** What all pictures together are charged to at the device gate: no stream has an empty id. */
const KEY = "";

/** Deadlines of FFmpeg's calls: the largest picture takes a second or two. */
const DECODE_MS = 20_000;
const ENCODE_MS = 20_000;

export interface ImageWorkOptions {
  readonly id: string;
  readonly job: ImageJob;
  readonly host: ModelHost;
  readonly calls: NativeCalls;
  readonly send: Send;
}

export class ImageWork implements EngineWork {
  readonly id: string;
  /** A picture's frames are freed with it: they are not worth a count. */
  readonly frames = 0;
  readonly #options: ImageWorkOptions;
  readonly #stop = new AbortController();

  constructor(options: ImageWorkOptions) {
    this.id = options.id;
    this.#options = options;
  }

  stats(): null {
    return null;
  }

  update(): void {}

  stop(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(new DOMException("the picture was given up", "AbortError"));
    this.#options.send({ type: "ended", id: this.#options.id });
  }

  async run(): Promise<void> {
    const { id, send } = this.#options;
    const { signal } = this.#stop;
    try {
      const result = await this.#make();
      if (signal.aborted) return;
      send({ type: "made", id, result });
      send({ type: "ended", id });
    } catch (error) {
      if (!signal.aborted) send({ type: "ended", id, error: toPlainError(error) });
    }
  }

  /**
   * Throws `unsupported_media` and `invalid_request` for the file, `unknown_model` and `model_failed`, and the signal's
   * reason between two steps. Nothing native is left, whichever way it ends.
   */
  async #make(): Promise<ImageResult> {
    const { job, host, calls } = this.#options;
    const { params, file } = job;
    const { signal } = this.#stop;
    const timings: Record<string, number> = {};
    const timed = async <T>(step: ImageStep, work: () => Promise<T>): Promise<T> => {
      this.#begin(step);
      const began = performance.now();
      try {
        return await work();
      } finally {
        timings[step] = Math.round((performance.now() - began) * 10) / 10;
      }
    };
    using converter = new PictureConverter(calls);
    using freed = new DisposableStack();
    const own = (frame: Frame): Frame => freed.adopt(frame, (one) => one.free());
    const decoded = async (bytes: Uint8Array) => {
      using _call = calls.begin("decode", DECODE_MS);
      return await decodeImage(bytes);
    };
    const frame = file ? own(await timed("decode", () => decoded(file))) : null;
    signal.throwIfAborted();
    using runner = new PlanExecutor({
      host,
      converter,
      key: KEY,
      calls,
      hasInput: frame !== null,
      kind: "picture",
      signal,
    });
    await timed("load", () => runner.prepare(params));
    const given = params.size ?? sizeOf(frame ?? DEFAULT_SIZE);
    this.#begin("inference");
    const request = { frame, pts: ticks(0), size: given, params };
    const isGraph = params.graphs !== undefined;
    // A graph may give texts alone.
    const drawn = await (isGraph ? runner.run(request) : runner.draw(request));
    signal.throwIfAborted();
    const single = drawn.picture === null ? [] : [{ picture: drawn.picture }];
    const encoded = async ({ picture, ...place }: Shown): Promise<MadePicture> => {
      using _call = calls.begin("encode", ENCODE_MS);
      // A graph says how large its pictures are.
      const size = isGraph && params.size === undefined ? sizeOf(picture) : given;
      using rgb = disposable(await converter.toRgb(picture, size, drawn.fit));
      return { png: await encodePng(rgb.frame), ...size, ...place };
    };
    const pictures = await timed("encode", async () => {
      const all: MadePicture[] = [];
      for (const picture of drawn.nodePictures ?? single) {
        all.push(await encoded(picture));
        assertFits(all);
        signal.throwIfAborted();
      }
      return all;
    });
    const { texts = {} } = drawn;
    const execution_provider = runner.models.at(-1)?.executionProvider ?? "";
    const inference = Math.round(drawn.inferenceMs * 10) / 10;
    const warnings = runner.graphWarnings;
    return { pictures, texts, warnings, execution_provider, timings_ms: { ...timings, inference } };
  }

  #begin(step: ImageStep): void {
    if (!this.#stop.signal.aborted)
      this.#options.send({ type: "step", id: this.#options.id, step });
  }
}

/** A picture to answer with, and where in a graph it comes from. */
type Shown = { readonly picture: Picture } & Partial<Pick<NodePicture, "node" | "index">>;

const disposable = (frame: Frame) => ({ frame, [Symbol.dispose]: () => frame.free() });

/** Throws `invalid_request` for more than an answer may hold. */
function assertFits(pictures: readonly MadePicture[]): void {
  const bytes = pictures.reduce((sum, { png }) => sum + png.byteLength, 0);
  if (bytes <= MAX_PNG_BYTES) return;
  const what = pictures.length === 1 ? "the picture takes" : `${pictures.length} pictures take`;
  throw new WorkerError(
    "invalid_request",
    `${what} ${bytes} bytes as PNG, more than ${MAX_PNG_BYTES}: ask for a smaller width and height, or for fewer pictures`,
  );
}

const sizeOf = ({ width, height }: Size): Size => ({ width, height });
