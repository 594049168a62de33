/** Computes the nodes that resize pictures. */
import { roundHalfToEven } from "../../diffusion/schedule/python-numbers.ts";
import type { ImageValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";
import type { Fragments, NodeInputs } from "./node-inputs.ts";
import { resize, type TargetSize } from "./resample.ts";

/** ComfyUI computes sizes in float64 and rounds them as Python does. */
const scaledBy = ({ width, height }: ImageValue, scale: number): TargetSize => ({
  width: roundHalfToEven(width * scale),
  height: roundHalfToEven(height * scale),
});

function stretched(inputs: NodeInputs, math: ImageMath, to: TargetSize): ImageValue {
  if (to.width < 1 || to.height < 1) {
    throw inputs.refusal("image", `would become ${to.width}x${to.height}; choose a larger size`);
  }
  const method = inputs.word("upscale_method");
  return resize(math, inputs.image("image"), to, { method, crop: "disabled" });
}

export const SIZE_FRAGMENTS: Fragments = {
  /** A width or height of 0 follows from the other one; both 0 keep the size. */
  ImageScale(inputs, math) {
    const image = inputs.image("image");
    const [width, height] = [inputs.number("width"), inputs.number("height")];
    if (width === 0 && height === 0) return [image];
    const to = {
      width: width || Math.max(1, roundHalfToEven((image.width * height) / image.height)),
      height: height || Math.max(1, roundHalfToEven((image.height * width) / image.width)),
    };
    const options = { method: inputs.word("upscale_method"), crop: inputs.word("crop") };
    return [resize(math, image, to, options)];
  },

  ImageScaleBy(inputs, math) {
    const to = scaledBy(inputs.image("image"), inputs.number("scale_by"));
    return [stretched(inputs, math, to)];
  },

  ImageScaleToTotalPixels(inputs, math) {
    const image = inputs.image("image");
    const pixels = Math.trunc(inputs.number("megapixels") * 1024 * 1024);
    const to = scaledBy(image, Math.sqrt(pixels / (image.width * image.height)));
    return [stretched(inputs, math, to)];
  },

  ImageScaleToMaxDimension(inputs, math) {
    const { width, height } = inputs.image("image");
    const largest = inputs.number("largest_size");
    const to = {
      width: height > width ? roundHalfToEven((width / height) * largest) : largest,
      height: width > height ? roundHalfToEven((height / width) * largest) : largest,
    };
    return [stretched(inputs, math, to)];
  },

  /** Fits the picture into the target and centres it on white or black. */
  ResizeAndPadImage(inputs, math) {
    const image = inputs.image("image");
    const [width, height] = [inputs.number("target_width"), inputs.number("target_height")];
    const scale = Math.min(width / image.width, height / image.height);
    const to = {
      width: Math.trunc(image.width * scale),
      height: Math.trunc(image.height * scale),
    };
    if (to.width < 1 || to.height < 1) {
      throw inputs.refusal(
        "image",
        `would become ${to.width}x${to.height}; choose a larger target`,
      );
    }
    const method = inputs.word("interpolation");
    const fitted = resize(math, image, to, { method, crop: "disabled" });
    const [top, left] = [Math.floor((height - to.height) / 2), Math.floor((width - to.width) / 2)];
    const colour = inputs.word("padding_color") === "white" ? 1 : 0;
    const rows = [top, height - to.height - top] as const;
    const columns = [left, width - to.width - left] as const;
    const padded = math.pad(fitted.value, rows, columns, { dims: 4, with: colour });
    return [math.image(padded, image, { width, height })];
  },

  GetImageSize(inputs) {
    const { width, height, batch } = inputs.image("image");
    return [width, height, batch].map((value) => ({ kind: "plain", value }));
  },
};
