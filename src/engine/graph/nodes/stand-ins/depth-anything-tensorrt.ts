/** DepthAnythingTensorrt: draws the depth that a network of the workspace finds in pictures. */
import type { Size } from "../../../protocol/work.ts";
import { file, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { eachOf, stacked } from "../../run/pixels.ts";
import { modelRefusal, scaled, through } from "../../run/through-model.ts";
import type { Images } from "../../run/values.ts";

export const DepthAnythingTensorrt: NodeClass = {
  name: "DepthAnythingTensorrt",
  category: "models/run",
  inputs: { images: link("IMAGE"), engine: file("depth_model") },
  outputs: ["IMAGE"],
  note: "Runs the depth model folder of that name. It is no output node here.",
  async run(inputs, context) {
    const engine = inputs.text("engine");
    const model = await context.models.folderModel("depth_model", engine, "as numbers");
    const depths: Images[] = [];
    for (const one of eachOf(inputs.link("images", "IMAGE"))) {
      const { data } = await through(model, one, context, { params: {}, prompts: [] });
      const [depth] = Object.values(data);
      const [height = 0, width = 0] = depth?.dims.slice(-2) ?? [];
      if (depth === undefined || depth.data.length !== height * width) {
        throw modelRefusal(
          `is no depth model: ${engine} gives ${depth?.dims.join(" × ") ?? "nothing"}`,
        );
      }
      const gray = grayOf(Float32Array.from(depth.data, Number), { height, width });
      depths.push(await scaled(gray, one, context));
    }
    return [output("IMAGE", stacked(depths))];
  },
};

/** From the smallest value, black, to the largest, white. */
function grayOf(values: Float32Array, { height, width }: Size): Images {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const data = new Float32Array(values.length * 3);
  for (let at = 0; at < values.length; at++) {
    const share = ((values[at] as number) - least) / (most - least || 1);
    data.fill(share, at * 3, at * 3 + 3);
  }
  return { data, batch: 1, height, width, channels: 3 };
}
