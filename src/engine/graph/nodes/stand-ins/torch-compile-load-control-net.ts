/** TorchCompileLoadControlNet: passes a ControlNet on. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";
import { BUILT_ALREADY, TORCH_COMPILE } from "../../torch-options.ts";

export const TorchCompileLoadControlNet: NodeClass = {
  name: "TorchCompileLoadControlNet",
  category: "models/load",
  inputs: { controlnet: link("CONTROL_NET"), ...TORCH_COMPILE },
  outputs: ["CONTROL_NET"],
  note: BUILT_ALREADY,
  run: (inputs) => [output("CONTROL_NET", inputs.link("controlnet", "CONTROL_NET"))],
};
