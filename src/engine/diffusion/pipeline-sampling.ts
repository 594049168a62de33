/** Reads a pipeline's scheduler configuration: which sampler and schedule it stands for, and how its model was trained. */
import { WorkerError } from "../../errors.ts";
import type { SamplerName } from "./sampler/named-samplers.ts";
import type { ScheduleName } from "./schedule/named-schedules.ts";
import type { Prediction } from "./schedule/prediction.ts";
import {
  distilledTable,
  type NoiseTraining,
  SigmaTable,
  trainedSigmas,
  zeroTerminalSigmas,
} from "./schedule/sigma-table.ts";

export interface PipelineSampling {
  readonly table: SigmaTable;
  readonly prediction: Prediction;
  readonly sampler: SamplerName;
  readonly schedule: ScheduleName;
}

/** ComfyUI's samplers that do what diffusers' schedulers do. */
const SAMPLERS: Readonly<Record<string, SamplerName>> = {
  EulerDiscreteScheduler: "euler",
  EulerAncestralDiscreteScheduler: "euler_ancestral",
  DDIMScheduler: "ddim",
  PNDMScheduler: "euler",
  LCMScheduler: "lcm",
  DPMSolverMultistepScheduler: "dpmpp_2m",
  UniPCMultistepScheduler: "uni_pc_bh2",
  DEISMultistepScheduler: "deis",
  HeunDiscreteScheduler: "heun",
  LMSDiscreteScheduler: "lms",
  KDPM2DiscreteScheduler: "dpm_2",
  KDPM2AncestralDiscreteScheduler: "dpm_2_ancestral",
  DPMSolverSDEScheduler: "dpmpp_sde",
  DDPMScheduler: "ddpm",
};

const PREDICTIONS: Readonly<Record<string, Prediction>> = {
  epsilon: "eps",
  v_prediction: "v_prediction",
  sample: "x0",
};

/** Throws `model_failed` that names a setting which is not known. */
export function samplingOf(config: Readonly<Record<string, unknown>>): PipelineSampling {
  const sampler = samplerOf(config);
  const { training, prediction } = trainingOf(config);
  const isZeroTerminal = config["rescale_betas_zero_snr"] === true;
  const sigmas = isZeroTerminal ? zeroTerminalSigmas(training) : trainedSigmas(training);
  const isDistilled = sampler === "lcm";
  return {
    table: isDistilled ? distilledTable(sigmas) : new SigmaTable(sigmas),
    prediction: isDistilled ? "lcm" : prediction,
    sampler,
    schedule: scheduleOf(config, sampler),
  };
}

function samplerOf(config: Readonly<Record<string, unknown>>): SamplerName {
  const name = String(config["_class_name"] ?? "EulerDiscreteScheduler");
  const sampler = SAMPLERS[name];
  if (sampler === undefined) {
    const known = Object.keys(SAMPLERS).join(", ");
    throw failed(`_class_name is ${JSON.stringify(name)}; known: ${known}`);
  }
  const isStochastic = String(config["algorithm_type"] ?? "").startsWith("sde-");
  return sampler === "dpmpp_2m" && isStochastic ? "dpmpp_2m_sde" : sampler;
}

/** How the denoiser was trained. Throws `model_failed` that names a setting which is not known. */
export function trainingOf(config: Readonly<Record<string, unknown>>): {
  readonly training: NoiseTraining;
  readonly prediction: Prediction;
} {
  const trained = String(config["prediction_type"] ?? "epsilon");
  const prediction = PREDICTIONS[trained];
  if (prediction === undefined) {
    const known = Object.keys(PREDICTIONS).join(", ");
    throw failed(`prediction_type is ${JSON.stringify(trained)}; known: ${known}`);
  }
  const spacing = config["beta_schedule"] ?? "scaled_linear";
  if (spacing !== "scaled_linear" && spacing !== "linear") {
    throw failed(`beta_schedule is ${JSON.stringify(spacing)}; known: scaled_linear, linear`);
  }
  if (Array.isArray(config["trained_betas"])) {
    throw failed(
      "trained_betas is a list, which is not supported: export the model with beta_start and beta_end",
    );
  }
  const training: NoiseTraining = {
    spacing,
    betaStart: numberIn(config, "beta_start", 0.00085),
    betaEnd: numberIn(config, "beta_end", 0.012),
    timesteps: numberIn(config, "num_train_timesteps", 1000),
  };
  return { training, prediction };
}

/** Models that are run in few steps are trained for timesteps that end at the first one of the noisy end ("trailing"). */
function scheduleOf(config: Readonly<Record<string, unknown>>, sampler: SamplerName): ScheduleName {
  if (config["use_karras_sigmas"] === true) return "karras";
  if (sampler === "lcm" || config["timestep_spacing"] === "trailing") return "sgm_uniform";
  return "normal";
}

function numberIn(
  config: Readonly<Record<string, unknown>>,
  field: string,
  fallback: number,
): number {
  const value = config[field] ?? fallback;
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw failed(`${field} is ${JSON.stringify(value)}; give a number above 0`);
}

const failed = (problem: string): WorkerError =>
  new WorkerError("model_failed", `scheduler/scheduler_config.json: ${problem}`);
