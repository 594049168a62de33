/** ModelSamplingDiscrete: sets which kind of prediction a model makes (noise, velocity, clean latent). */
import type { Prediction } from "../../../diffusion/schedule/prediction.ts";
import {
  distilledTable,
  SigmaTable,
  trainedSigmas,
  zeroTerminalSigmas,
} from "../../../diffusion/schedule/sigma-table.ts";
import { choice, link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const ModelSamplingDiscrete: NodeClass = {
  name: "ModelSamplingDiscrete",
  category: "sampling/model",
  inputs: {
    model: link("MODEL"),
    sampling: choice(["eps", "v_prediction", "lcm", "x0", "img_to_img"]),
    zsnr: toggle(false),
  },
  outputs: ["MODEL"],
  run(inputs) {
    const model = inputs.link("model", "MODEL");
    const prediction = inputs.text("sampling") as Prediction; // one of the class's choices
    const isZeroTerminal = inputs.flag("zsnr");
    const sigmas = isZeroTerminal
      ? zeroTerminalSigmas(model.training)
      : trainedSigmas(model.training);
    const table = prediction === "lcm" ? distilledTable(sigmas) : new SigmaTable(sigmas);
    return [output("MODEL", { ...model, sampling: { table, prediction } })];
  },
};
