/** Runs the nodes that let ControlNets steer prompts. */
import type { NodeInputs } from "../node-inputs.ts";
import { type NodeRunners, output } from "../node-runner.ts";
import type { ConditioningPart, ControlChain } from "../values.ts";

export const CONTROLS: NodeRunners = {
  ControlNetApply: (inputs) => {
    const parts = inputs.link("conditioning", "CONDITIONING");
    const range = { start: 0, end: 1 };
    return [output("CONDITIONING", controlled(inputs, parts, { range, sides: "both" }))];
  },

  ControlNetApplyAdvanced: (inputs) => {
    const positive = inputs.link("positive", "CONDITIONING");
    const negative = inputs.link("negative", "CONDITIONING");
    const range = { start: inputs.number("start_percent"), end: inputs.number("end_percent") };
    const parts = controlled(inputs, [...positive, ...negative], { range, sides: "own" });
    return [
      output("CONDITIONING", parts.slice(0, positive.length)),
      output("CONDITIONING", parts.slice(positive.length)),
    ];
  },
};

/** Parts that had the same ControlNets have the same ones again, so that they still fit one batch. */
function controlled(
  inputs: NodeInputs,
  parts: readonly ConditioningPart[],
  how: Pick<ControlChain, "range" | "sides">,
): readonly ConditioningPart[] {
  const strength = inputs.number("strength");
  if (strength === 0) return parts;
  const net = inputs.link("control_net", "CONTROL_NET");
  const hint = inputs.link("image", "IMAGE");
  const chains = new Map<ControlChain | null, ControlChain>();
  return parts.map((part) => {
    const previous = part.control ?? null;
    const control = chains.get(previous) ?? { ...how, net, hint, strength, previous };
    chains.set(previous, control);
    return { ...part, control };
  });
}
