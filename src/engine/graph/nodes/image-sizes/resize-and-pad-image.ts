/** ResizeAndPadImage: fits pictures into a size and fills the rest. */
import { resize } from "../../image/resample.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ResizeAndPadImage: NodeClass = {
  name: "ResizeAndPadImage",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    target_width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    target_height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    padding_color: choice(["white", "black"]),
    interpolation: choice(["area", "bicubic", "nearest-exact", "bilinear", "lanczos"]),
  },
  outputs: ["IMAGE"],
  /** Fits the picture into the target and centres it on white or black. */
  fragment(inputs, math) {
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
};
