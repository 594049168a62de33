/** MeanBrightness: gives the mean of all samples of pictures, as a number and as a text. */
import { link } from "../../../src/engine/graph/input-declaration.ts";
import type { NodeClass } from "../../../src/engine/graph/node-class.ts";
import { output } from "../../../src/engine/graph/run/node-runner.ts";

export const MeanBrightness: NodeClass = {
  name: "MeanBrightness",
  category: "image",
  inputs: { image: link("IMAGE") },
  outputs: ["FLOAT", "STRING"],
  outputNames: ["mean", "text"],
  run(inputs) {
    const { data } = inputs.link("image", "IMAGE");
    const mean = data.reduce((sum, sample) => sum + sample, 0) / data.length;
    return [output("FLOAT", mean), output("STRING", mean.toFixed(3))];
  },
};
