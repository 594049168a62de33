/** Runs a model on one picture in this process, the way streams run it. */
import { decodeImage, encodePng } from "../../engine/codec/image-file.ts";
import type { Frame } from "../../engine/codec/libav.ts";
import { PictureConverter } from "../../engine/codec/picture-converter.ts";
import type { ModelHost } from "../../engine/device/model-host.ts";
import type { ModelDefinition } from "../../engine/models/definition.ts";
import { PlanExecutor } from "../../engine/plan/executor.ts";
import type { Drawn, PlanJob } from "../../engine/plan/plan-result.ts";
import { UNRECORDED_CALLS } from "../../engine/protocol/call-journal.ts";
import type { ParamValues } from "../../engine/protocol/models.ts";
import { pictureUri } from "../../engine/protocol/picture-uri.ts";
import type { Size, StreamParams } from "../../engine/protocol/work.ts";
import type { Picture } from "../../media/picture.ts";
import { ticksFromSeconds } from "../../media/time.ts";
import { drawTestPicture } from "./test-picture.ts";

/** What models that take prompts draw by. */
export const TRIAL_PROMPT = "a test";
/** What a model with state remembers shows in its later frames. */
const FRAMES = 3;
const FRAMES_PER_SECOND = 25;
/** Threads that a frame may lose before its model counts as one that hangs. */
const ATTEMPTS = 3;
/** A network of free size takes long for a photograph of the full size. */
const MAX_SIDE = 1280;

/** The picture that a model is tried with. */
export interface TrialPicture extends Disposable {
  readonly frame: Frame;
  readonly size: Size;
  readonly png: Uint8Array;
  /** In `size`. */
  readonly picture: Picture;
}

/** What a model is given: without a frame it draws from a prompt alone. */
export interface TrialInput extends Pick<TrialPicture, "size" | "png"> {
  readonly frame: Frame | null;
}

/** What a model made of the picture. */
export interface Trial extends Drawn {
  readonly definition: ModelDefinition;
  readonly executionProvider: string;
  /** The result in the size of the picture. */
  readonly png: Uint8Array;
}

/** Decodes a picture file, or draws the test picture. Throws `unsupported_media` for other files. */
export async function trialPicture(file: Uint8Array | null): Promise<TrialPicture> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const test = drawTestPicture();
  const frame =
    file === null ? await converter.toRgb(test, test, "stretch") : await decodeImage(file);
  const size = limited(frame);
  const picture = await converter.toPicture(frame, size, "cover");
  const png = await pngOf(converter, picture, size);
  return { frame, size, picture, png, [Symbol.dispose]: () => frame.free() };
}

/**
 * Runs the model for some frames of the same picture, and returns the last; without a frame once. Every picture that it
 * takes as a parameter is that picture as well. Throws `unknown_model` and `model_failed`, and the signal's reason.
 */
export async function tryModel(
  name: string,
  { frame, size, png }: TrialInput,
  host: ModelHost,
  signal: AbortSignal,
): Promise<Trial> {
  const calls = UNRECORDED_CALLS;
  using converter = new PictureConverter(calls);
  using executor = new PlanExecutor({
    host,
    converter,
    key: "check",
    calls,
    hasInput: frame !== null,
    signal,
  });
  const params: StreamParams = {
    model: name,
    prompts: [{ prompt: TRIAL_PROMPT }],
    size,
    fit: "cover",
    paused: false,
    model_params: await pictureParams(name, host, png),
  };
  await executor.prepare(params);
  const draw = (at: number): Promise<Drawn> =>
    drawWithRetry(executor, { frame, pts: ticksFromSeconds(at / FRAMES_PER_SECOND), size, params });
  let drawn = await draw(0);
  for (let at = 1; at < FRAMES && frame !== null; at++) {
    signal.throwIfAborted();
    const next = await draw(at);
    if (next.inferenceMs > 0) drawn = next; // a model may run on every n-th frame only
  }
  const model = executor.models.at(-1);
  if (model === undefined) throw new Error("the plan has no model");
  const { definition, executionProvider } = model;
  const result = await pngOf(converter, drawn.picture, size, drawn.fit);
  return { ...drawn, definition, executionProvider, png: result };
}

/**
 * Draws a frame. An engine replaces the thread of a run that takes many times what is usual, so that other streams need
 * not wait for it; on a busy machine a sound model can take that long, too. So its frame is drawn again by the new thread.
 */
export async function drawWithRetry(
  executor: Pick<PlanExecutor, "draw" | "isStale" | "prepare">,
  job: PlanJob,
): Promise<Drawn> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await executor.draw(job);
    } catch (error) {
      if (!executor.isStale || attempt === ATTEMPTS) throw error;
      await executor.prepare(job.params);
    }
  }
}

async function pictureParams(name: string, host: ModelHost, png: Uint8Array): Promise<ParamValues> {
  const { params } = await host.chain(name);
  const pictures = params.filter(({ type }) => type === "picture");
  return Object.fromEntries(pictures.map((param) => [param.name, pictureUri(png, "png")]));
}

async function pngOf(
  converter: PictureConverter,
  picture: Picture,
  size: Size,
  fit: Drawn["fit"] = "stretch",
): Promise<Uint8Array> {
  const frame = await converter.toRgb(picture, size, fit);
  try {
    return await encodePng(frame);
  } finally {
    frame.free();
  }
}

/** Even sides, of which the longer is at most `MAX_SIDE`. */
function limited({ width, height }: Size): Size {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const even = (side: number): number => Math.max(2, Math.round((side * scale) / 2) * 2);
  return { width: even(width), height: even(height) };
}
