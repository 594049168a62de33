/** Composite: lays pictures over others, where masks say. */
import { repeatedTo } from "../../image/batches.ts";
import { fittedMask, withChannels } from "../../image/channels.ts";
import { resize } from "../../image/resample.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { TORCH_DEVICE } from "../../torch-options.ts";

export const Composite: NodeClass = {
  name: "Composite",
  category: "image",
  inputs: {
    foregrounds: link("IMAGE"),
    backgrounds: link("IMAGE"),
    foreground_masks: link("MASK"),
    mode: TORCH_DEVICE,
  },
  outputs: ["IMAGE"],
  note: "Runs on the worker's device; mode is ignored.",
  /**
   * `foreground · mask + background · (1 − mask)`. The background takes the size of the foreground (bilinear, centre
   * crop), the mask is stretched to it; shorter batches are repeated.
   */
  fragment(inputs, math) {
    const front = inputs.image("foregrounds");
    const given = withChannels(math, inputs.image("backgrounds"), front.channels);
    const back = resize(math, given, front, { method: "bilinear", crop: "center" });
    const mask = fittedMask(math, inputs.mask("foreground_masks"), front);
    const cover = math.repeatedChannel(mask, front.channels);
    const batch = Math.max(front.batch, back.batch, cover.batch);
    const all = (image: typeof front) => repeatedTo(math, image, batch).value;
    const shown = math.mul(all(front), all(cover));
    const rest = math.mul(all(back), math.sub(1, all(cover)));
    return [math.image(math.add(shown, rest), front, { batch })];
  },
};
