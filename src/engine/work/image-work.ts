/** One picture in this engine: from its file or from nothing, through the models, to a PNG. */
import { toPlainError, WorkerError } from "../../errors.ts";
import { ticks } from "../../media/time.ts";
import { decodeImage, encodePng } from "../codec/image-file.ts";
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import type { ModelHost } from "../device/model-host.ts";
import { PlanExecutor } from "../plan/executor.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import {
  DEFAULT_SIZE,
  type ImageJob,
  type ImageResult,
  type ImageStep,
  type Size,
} from "../protocol/work.ts";
import type { EngineWork, Send } from "./engine-work.ts";

/** What may cross to the server in one message. */
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
    const drawn = await runner.draw({ frame, pts: ticks(0), size: given, params });
    signal.throwIfAborted();
    // A graph says how large its pictures are.
    const ownSize = params.size === undefined && params.graphs !== undefined;
    const size = ownSize ? sizeOf(drawn.picture) : given;
    const png = await timed("encode", async () => {
      using _call = calls.begin("encode", ENCODE_MS);
      return await encodePng(own(await converter.toRgb(drawn.picture, size, drawn.fit)));
    });
    if (png.byteLength > MAX_PNG_BYTES) {
      const message = `the picture takes ${png.byteLength} bytes as PNG, more than ${MAX_PNG_BYTES}: ask for a smaller width and height`;
      throw new WorkerError("invalid_request", message);
    }
    const execution_provider = runner.models.at(-1)?.executionProvider ?? "";
    const inference = Math.round(drawn.inferenceMs * 10) / 10;
    return { png, ...size, execution_provider, timings_ms: { ...timings, inference } };
  }

  #begin(step: ImageStep): void {
    if (!this.#stop.signal.aborted)
      this.#options.send({ type: "step", id: this.#options.id, step });
  }
}

const sizeOf = ({ width, height }: Size): Size => ({ width, height });
