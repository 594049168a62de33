/**
 * Computes nodes of other packs that comfystream's own workflows use. Their rules are ours, made to do what those
 * workflows show.
 */
import { repeatedTo } from "./batches.ts";
import { fittedMask, withChannels } from "./channels.ts";
import { blurred, checkRadius, gaussian } from "./filters.ts";
import type { Fragments } from "./node-inputs.ts";
import { resize } from "./resample.ts";

const COLOURS: Readonly<Record<string, readonly number[]>> = {
  black: [0, 0, 0],
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};

export const STAND_IN_FRAGMENTS: Fragments = {
  /**
   * `foreground · mask + background · (1 − mask)`. The background takes the size of the foreground (bilinear, centre
   * crop), the mask is stretched to it; shorter batches are repeated.
   */
  Composite(inputs, math) {
    const front = inputs.image("foregrounds");
    const given = withChannels(math, inputs.image("backgrounds"), front.channels);
    const back = resize(math, given, front, { method: "bilinear", crop: "center" });
    const cover = fittedMask(math, inputs.mask("foreground_masks"), front);
    const batch = Math.max(front.batch, back.batch, cover.batch);
    const all = (image: typeof front) => repeatedTo(math, image, batch).value;
    const shown = math.mul(all(front), all(cover));
    const rest = math.mul(all(back), math.sub(1, all(cover)));
    return [math.image(math.add(shown, rest), front, { batch })];
  },

  /** A plain picture of the size of the given one. */
  BackgroundColor(inputs, math) {
    const colour = inputs.word("color");
    const image = inputs.image("images");
    const levels = COLOURS[colour];
    if (levels === undefined) throw inputs.refusal("color", `is ${colour}, which is not known`);
    return [math.filled({ ...image, channels: 3 }, ...levels)];
  },

  /** `sigma` in pixels, over `kernel_size` pixels; the border mirrors the picture. */
  GaussianBlur(inputs, math) {
    const image = inputs.image("images");
    const size = inputs.number("kernel_size");
    if (size % 2 === 0) throw inputs.refusal("kernel_size", `is ${size}; it must be odd`);
    const radius = (size - 1) / 2;
    checkRadius(inputs, "kernel_size", radius, image);
    const places = Array.from({ length: size }, (_, at) => at - radius);
    return [blurred(math, image, gaussian(places, inputs.number("sigma")))];
  },
};
