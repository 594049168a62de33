/** ImageBlend: blends two pictures. */
import type { Value } from "../../../models/graph-builder.ts";
import { repeatedTo } from "../../image/batches.ts";
import { withChannels } from "../../image/channels.ts";
import type { ImageMath } from "../../image/image-math.ts";
import { resize } from "../../image/resample.ts";
import { choice, float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

type Blend = (math: ImageMath, below: Value, above: Value) => Value;

const MODES: Readonly<Record<string, Blend>> = {
  normal: (_, _below, above) => above,
  multiply: (math, below, above) => math.mul(below, above),
  screen: (math, below, above) => math.sub(1, math.mul(math.sub(1, below), math.sub(1, above))),
  overlay: (math, below, above) =>
    math.select(
      math.lessOrEqual(below, 0.5),
      math.mul(math.mul(2, below), above),
      math.sub(1, math.mul(math.mul(2, math.sub(1, below)), math.sub(1, above))),
    ),
  soft_light: (math, below, above) =>
    math.select(
      math.lessOrEqual(above, 0.5),
      math.sub(
        below,
        math.mul(math.mul(math.sub(1, math.mul(2, above)), below), math.sub(1, below)),
      ),
      math.add(
        below,
        math.mul(math.sub(math.mul(2, above), 1), math.sub(softened(math, below), below)),
      ),
    ),
  /** Not the absolute value: negative differences become black. */
  difference: (math, below, above) => math.sub(below, above),
};

export const ImageBlend: NodeClass = {
  name: "ImageBlend",
  category: "image",
  inputs: {
    image1: link("IMAGE"),
    image2: link("IMAGE"),
    blend_factor: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
    blend_mode: choice(["normal", "multiply", "screen", "overlay", "soft_light", "difference"]),
  },
  outputs: ["IMAGE"],
  /** The second picture takes the channels and the size of the first. */
  fragment(inputs, math) {
    const below = inputs.image("image1");
    const second = withChannels(math, inputs.image("image2"), below.channels);
    const above = resize(math, second, below, { method: "bicubic", crop: "center" });
    const batch = Math.max(below.batch, above.batch);
    const pictures = [below, above].map((image) => repeatedTo(math, image, batch).value);
    const [one, other] = pictures as [Value, Value];
    const mode = inputs.word("blend_mode");
    const blend = MODES[mode];
    if (blend === undefined) throw inputs.refusal("blend_mode", `is ${mode}, which is not known`);
    const factor = inputs.number("blend_factor");
    const blended = math.mul(blend(math, one, other), factor);
    const mixed = math.add(math.mul(one, 1 - factor), blended);
    return [math.image(math.clamp(mixed), below, { batch })];
  },
};

/** A curve that lies above the diagonal: a polynomial in the shadows, the square root elsewhere. */
function softened(math: ImageMath, x: Value): Value {
  const inner = math.add(math.mul(math.sub(math.mul(16, x), 12), x), 4);
  return math.select(math.lessOrEqual(x, 0.25), math.mul(inner, x), math.sqrt(x));
}
