/** ImageCompositeMasked: lays one picture over another, where a mask says. */
import { repeatedTo } from "../../image/batches.ts";
import { fittedMask, withChannels } from "../../image/channels.ts";
import type { ImageValue } from "../../image/graph-value.ts";
import { pasted } from "../../image/paste.ts";
import { resize } from "../../image/resample.ts";
import { int, link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageCompositeMasked: NodeClass = {
  name: "ImageCompositeMasked",
  category: "image",
  inputs: {
    destination: link("IMAGE"),
    source: link("IMAGE"),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    resize_source: toggle(false),
  },
  optional: {
    mask: link("MASK"),
  },
  outputs: ["IMAGE"],
  /** The mask, in the size of the source, says where the source covers the destination. */
  fragment(inputs, math) {
    const base = inputs.image("destination");
    const given = withChannels(math, inputs.image("source"), base.channels);
    const to = inputs.flag("resize_source") ? base : given;
    const source = repeatedTo(
      math,
      resize(math, given, to, { method: "bilinear", crop: "disabled" }),
      base.batch,
    );
    const mask = inputs.optionalMask("mask");
    const [x, y] = [inputs.number("x"), inputs.number("y")];
    const width = Math.min(source.width, base.width - x);
    const height = Math.min(source.height, base.height - y);
    if (width <= 0 || height <= 0) return [base];
    const size = { width, height };
    const visible = (image: ImageValue): ImageValue =>
      math.image(math.window(image.value, [0, height], [0, width]), image, size);
    const above = visible(source);
    if (mask === null) return [pasted(math, base, above, { x, y })];
    const fitted = visible(repeatedTo(math, fittedMask(math, mask, source), base.batch));
    const cover = math.repeatedChannel(fitted, base.channels).value;
    const below = math.window(base.value, [y, y + height], [x, x + width]);
    const mixed = math.add(math.mul(cover, above.value), math.mul(math.sub(1, cover), below));
    return [pasted(math, base, math.image(mixed, above), { x, y })];
  },
};
