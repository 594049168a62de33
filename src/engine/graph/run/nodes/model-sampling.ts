/** Runs the nodes that change how a model is sampled. */
import type { Prediction } from "../../../diffusion/schedule/prediction.ts";
import {
  distilledTable,
  SigmaTable,
  trainedSigmas,
  zeroTerminalSigmas,
} from "../../../diffusion/schedule/sigma-table.ts";
import { type NodeRunners, output } from "../node-runner.ts";

export const MODEL_SAMPLING: NodeRunners = {
  ModelSamplingDiscrete: (inputs) => {
    const model = inputs.link("model", "MODEL");
    const prediction = inputs.text("sampling") as Prediction; // one of the class's choices
    const isZeroTerminal = inputs.flag("zsnr");
    const sigmas = isZeroTerminal
      ? zeroTerminalSigmas(model.training)
      : trainedSigmas(model.training);
    const table = prediction === "lcm" ? distilledTable(sigmas) : new SigmaTable(sigmas);
    return [output("MODEL", { ...model, sampling: { table, prediction } })];
  },

  RescaleCFG: (inputs) => {
    const model = inputs.link("model", "MODEL");
    return [output("MODEL", { ...model, rescale: inputs.number("multiplier") })];
  },
};
