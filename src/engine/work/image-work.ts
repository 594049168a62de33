/** One picture of a batch job: from its file or from nothing, through the models, to a PNG. */
import { WorkerError } from "../../errors.ts";
import { ticks } from "../../media/time.ts";
import { decodeImage, encodePng } from "../codec/image-file.ts";
import type { Frame } from "../codec/libav.ts";
import { PictureConverter } from "../codec/picture-converter.ts";
import type { ModelHost } from "../inference/model-host.ts";
import { PlanRunner } from "../inference/plan-runner.ts";
import type { ImageJob, ImageResult, ImageStep, Size } from "../protocol/work.ts";

/** What may cross to the server in one message. */
const MAX_PNG_BYTES = 32 * 1024 * 1024;

/** Where neither file nor parameters tell a size. */
const DEFAULT_SIZE: Size = { width: 512, height: 512 };

export interface MakeImageOptions {
  readonly host: ModelHost;
  /** Shares the device with the streams by it; the same for all pictures. */
  readonly key: string;
  /** Ends the work between two steps. */
  readonly signal: AbortSignal;
  /** Told of each step as it begins. */
  readonly begins: (step: ImageStep) => void;
}

/**
 * Throws `unsupported_media` and `invalid_request` for the file, `unknown_model` and `model_failed`, and the
 * signal's reason. Nothing native is left, whichever way it ends.
 */
export async function makeImage(
  { params, file }: ImageJob,
  { host, key, signal, begins }: MakeImageOptions,
): Promise<ImageResult> {
  const timings: Record<string, number> = {};
  const timed = async <T>(step: ImageStep, work: () => Promise<T>): Promise<T> => {
    begins(step);
    const begun = performance.now();
    try {
      return await work();
    } finally {
      timings[step] = Math.round((performance.now() - begun) * 10) / 10;
    }
  };
  using converter = new PictureConverter();
  using freed = new DisposableStack();
  const own = (frame: Frame): Frame => freed.adopt(frame, (one) => one.free());
  const frame = file ? own(await timed("decode", () => decodeImage(file))) : null;
  signal.throwIfAborted();
  const runner = new PlanRunner({ host, converter, key, hasInput: frame !== null, signal });
  await timed("load", () => runner.prepare(params));
  const size = params.size ?? sizeOf(frame ?? DEFAULT_SIZE);
  begins("inference");
  const drawn = await runner.draw({ frame, pts: ticks(0), size, params });
  signal.throwIfAborted();
  const png = await timed("encode", async () =>
    encodePng(own(await converter.toRgb(drawn.picture, size, drawn.fit))),
  );
  if (png.byteLength > MAX_PNG_BYTES) {
    const message = `the picture takes ${png.byteLength} bytes as PNG, more than ${MAX_PNG_BYTES}: ask for a smaller width and height`;
    throw new WorkerError("invalid_request", message);
  }
  const execution_provider = runner.models.at(-1)?.executionProvider ?? "";
  const inference = Math.round(drawn.inferenceMs * 10) / 10;
  return { png, ...size, execution_provider, timings_ms: { ...timings, inference } };
}

const sizeOf = ({ width, height }: Size): Size => ({ width, height });
