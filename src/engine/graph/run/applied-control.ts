/** Attaches a ControlNet to prompts. */
import type { NodeInputs } from "./node-inputs.ts";
import type { ConditioningPart, ControlChain } from "./values.ts";

/** Parts that had the same ControlNets have the same ones again, so that they still fit one batch. */
export function controlled(
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
