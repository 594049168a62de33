/** Reads the inputs that sampler nodes have in common. */
import { WorkerError } from "../../../errors.ts";
import {
  isSamplerName,
  SAMPLERS,
  type SamplerName,
} from "../../diffusion/sampler/named-samplers.ts";
import {
  isScheduleName,
  SCHEDULES,
  type ScheduleName,
} from "../../diffusion/schedule/named-schedules.ts";
import type { NodeInputs } from "./node-inputs.ts";
import type { Guider } from "./values.ts";

export const guiderIn = (inputs: NodeInputs): Guider => ({
  model: inputs.link("model", "MODEL"),
  positive: inputs.link("positive", "CONDITIONING"),
  negative: inputs.link("negative", "CONDITIONING"),
  cfg: inputs.number("cfg"),
});

export const noiseOptions = (inputs: NodeInputs) => ({
  eta: inputs.number("eta"),
  noiseScale: inputs.number("s_noise"),
});

export function samplerIn(inputs: NodeInputs): SamplerName {
  const name = inputs.text("sampler_name");
  if (isSamplerName(name)) return name;
  const known = Object.keys(SAMPLERS).join(", ");
  throw new WorkerError(
    "invalid_request",
    `sampler_name ${JSON.stringify(name)} does not run here; these do: ${known}`,
  );
}

/** The input `scheduler`. */
export function scheduleIn(inputs: NodeInputs): ScheduleName {
  const name = inputs.text("scheduler");
  if (isScheduleName(name)) return name;
  const known = Object.keys(SCHEDULES).join(", ");
  throw new WorkerError(
    "invalid_request",
    `scheduler ${JSON.stringify(name)} does not run here; these do: ${known}`,
  );
}
