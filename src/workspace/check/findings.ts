/** Finds what looks wrong in the result of a model, and names the field of `model.json` to change. */
import type { Picture } from "../../media/picture.ts";
import { likeness } from "./likeness.ts";
import type { Spread } from "./spread.ts";

/** A field of `model.json`, and a sentence about it with the way out. */
export interface Finding {
  readonly field: string;
  readonly problem: string;
}

/** An output as the model itself gives it, before its values become a picture. */
export interface RawOutput {
  readonly tensor: string;
  readonly role: string;
  /** The values of black and white, or of the first and the last colour; null where they follow the values. */
  readonly range: readonly [number, number] | null;
  /** For masks and heat maps. */
  readonly activation?: string;
  readonly spread: Spread;
  /** The share of values that lie clearly beyond the range. */
  readonly beyond: number;
}

/** More of a picture than this is not clamped by chance. */
const MUCH = 0.2;
/** A picture with more of one extreme than this is plain. */
const ALL = 0.98;

/** What is wrong with the values of one output. */
export function* outputFindings(output: RawOutput): Generator<Finding> {
  const { tensor, role, range, activation = "none", spread, beyond } = output;
  const field = `outputs.${tensor}`;
  const { notANumber, infinite, count, low, high, min, max } = spread;
  if (notANumber + infinite > 0) {
    const kinds = [
      notANumber > 0 ? `${notANumber} NaN` : "",
      infinite > 0 ? `${infinite} infinite` : "",
    ];
    yield {
      field,
      problem: `${kinds.filter(Boolean).join(" and ")} of ${count} values: check range, mean and std of the inputs. A float16 model may overflow: try its float32 file`,
    };
  }
  if (min === max && count > 1) {
    yield {
      field,
      problem: `every value is ${short(min)}: check range, mean, std and channels of the inputs, and their parameters`,
    };
    return;
  }
  if (activation !== "none" || role === "data") return;
  if (role === "mask" && range !== null && (low < -0.5 || high > 2)) {
    yield {
      field: `${field}.activation`,
      problem: `the values run from ${short(low)} to ${short(high)}, as raw scores do: set it to "sigmoid", or "softmax" where the tensor has a channel for each class`,
    };
    return;
  }
  if (role !== "image" || range === null) return;
  const usual = usualRange(spread);
  const values = `is ${list(range)} but the values run from ${short(low)} to ${short(high)}`;
  if (usual !== null && !isNear(usual, range)) {
    yield { field: `${field}.range`, problem: `${values}: set it to ${list(usual)}` };
  } else if (beyond > MUCH) {
    const share = Math.round(100 * beyond);
    yield { field: `${field}.range`, problem: `${values}, ${share} % of them beyond it: widen it` };
  }
}

type Range = readonly [number, number];

/** The usual range in which the values of a picture seem to lie; null if none does. */
function usualRange({ low, high }: Spread): Range | null {
  if (low < -0.2) {
    if (low >= -1.4 && high <= 1.4) return [-1, 1];
    if (low >= -170 && high <= 170 && low < -40 && high > 40) return [-127.5, 127.5];
  }
  if (low >= -0.4 && high <= 1.5) return [0, 1];
  return low >= -100 && high <= 400 && high > 8 ? [0, 255] : null;
}

/** True for ranges whose pictures differ a little only, such as [0, 255] and [16, 235]. */
function isNear([black, white]: Range, [otherBlack, otherWhite]: Range): boolean {
  const span = Math.abs(white - black);
  const ratio = span / Math.abs(otherWhite - otherBlack);
  const from = Math.min(otherBlack, otherWhite);
  return ratio > 0.6 && ratio < 1.6 && Math.abs(black - from) < 0.3 * span;
}

/** The picture ports of a model whose result is an image. */
export interface PicturePorts {
  /** Null for models that draw without video. */
  readonly frame: string | null;
  readonly image: string;
}

/** What is wrong with a picture that a diffusion pipeline drew. */
export function* pipelineFindings(drawn: Picture): Generator<Finding> {
  const [first] = drawn.data;
  const { black, white } = shareOfExtremes(drawn);
  const isPlain = drawn.data.every((sample) => sample === first);
  if (!isPlain && black <= ALL && white <= ALL) return;
  const colour = black > ALL ? "black" : white > ALL ? "white" : "plain grey";
  yield {
    field: "vae_decoder",
    problem: `the picture is ${colour}: a float16 network may overflow, so try the float32 files; scheduler/scheduler_config.json must be the network's own`,
  };
}

/** What is wrong with an image, also by comparison with the picture that the model got. */
export function* imageFindings(
  before: Picture,
  after: Picture,
  { frame, image }: PicturePorts,
): Generator<Finding> {
  const field = `outputs.${image}`;
  const inputs = frame === null ? "the inputs" : `inputs.${frame}`;
  const extreme = shareOfExtremes(after);
  if (extreme.black > ALL || extreme.white > ALL) {
    const colour = extreme.black > ALL ? "black" : "white";
    yield {
      field: `${field}.range`,
      problem: `the picture is ${colour}: check this range, and range, mean and std of ${inputs}`,
    };
    return;
  }
  if (frame === null) return;
  const { swapped, inverted } = likeness(before, after);
  if (swapped) {
    yield {
      field: `${inputs}.channels`,
      problem: `red and blue are swapped in the result: set it, or ${field}.channels, to "bgr" (or to "rgb" where it is "bgr")`,
    };
  }
  if (inverted) {
    yield {
      field: `${field}.range`,
      problem: "the picture is inverted: swap its two numbers, unless the model makes a negative",
    };
  }
}

function shareOfExtremes({ data }: Picture): { black: number; white: number } {
  let [black, white] = [0, 0];
  for (const sample of data) {
    if (sample <= 2) black++;
    else if (sample >= 253) white++;
  }
  return { black: black / data.length, white: white / data.length };
}

const short = (value: number): string => String(Number(value.toPrecision(3)));
const list = (range: Range): string => `[${range.join(", ")}]`;
