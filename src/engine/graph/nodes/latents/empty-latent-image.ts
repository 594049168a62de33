/** EmptyLatentImage: makes a latent of zeros. */
import { latentSize } from "../../../diffusion/sampler/latent.ts";
import { int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { checkedShape } from "../../run/latents.ts";
import { output } from "../../run/node-runner.ts";

/** Channels of Stable Diffusion's latents. */
const CHANNELS = 4;

export const EmptyLatentImage: NodeClass = {
  name: "EmptyLatentImage",
  category: "latent",
  inputs: {
    width: int({ default: 512, min: 16, max: 16384, step: 8 }),
    height: int({ default: 512, min: 16, max: 16384, step: 8 }),
    batch_size: int({ default: 1, min: 1, max: 4096 }),
  },
  outputs: ["LATENT"],
  run(inputs) {
    const [width, height] = ["width", "height"].map((side) => inputs.number(side) >> 3);
    const shape = checkedShape([inputs.number("batch_size"), CHANNELS, height ?? 0, width ?? 0]);
    const samples = new Float32Array(latentSize(shape));
    return [output("LATENT", { samples, shape })];
  },
};
