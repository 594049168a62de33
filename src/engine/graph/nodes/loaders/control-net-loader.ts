/** ControlNetLoader: loads the ControlNet of a model folder. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const ControlNetLoader: NodeClass = {
  name: "ControlNetLoader",
  category: "models/load",
  inputs: {
    control_net_name: file("controlnet"),
  },
  outputs: ["CONTROL_NET"],
  async run(inputs, { models }) {
    const name = inputs.text("control_net_name");
    return [output("CONTROL_NET", await models.controlNet("controlnet", name))];
  },
};
