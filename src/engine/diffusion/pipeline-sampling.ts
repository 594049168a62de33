/** Reads a pipeline's scheduler configuration: which sampler and schedule it stands for, and how its model was trained. */
import { WorkerError } from "../../errors.ts";
import { shown } from "../../shown-value.ts";
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

/** A hundred times as many as models are trained for. */
const MAX_TIMESTEPS = 100_000;

/** Throws `model_failed` that names a setting which is not known. */
export function samplingOf(config: Readonly<Record<string, unknown>>): PipelineSampling {
  const sampler = samplerOf(config);
  const { training, prediction } = trainingOf(config);
  const isZeroTerminal = config["rescale_betas_zero_snr"] === true;
  const sigmas = isZeroTerminal ? zeroTerminalSigmas(training) : trainedSigmas(training);
  // Sigma tables are in single precision, whose range is smaller.
  if (!sigmas.every((sigma) => Number.isFinite(Math.fround(sigma)))) {
    const betas = `beta_start ${training.betaStart} and beta_end ${training.betaEnd}`;
    throw failed(`${betas} leave no signal at the end: give those that the model was trained with`);
  }
  const isDistilled = sampler === "lcm";
  return {
    table: isDistilled ? distilledTable(sigmas) : new SigmaTable(sigmas),
    prediction: isDistilled ? "lcm" : prediction,
    sampler,
    schedule: scheduleOf(config, sampler),
  };
}

function samplerOf(config: Readonly<Record<string, unknown>>): SamplerName {
  const sampler = namedIn(SAMPLERS, config, "_class_name", "EulerDiscreteScheduler");
  const isStochastic = String(config["algorithm_type"] ?? "").startsWith("sde-");
  return sampler === "dpmpp_2m" && isStochastic ? "dpmpp_2m_sde" : sampler;
}

/** How the denoiser was trained. Throws `model_failed` that names a setting which is not known. */
export function trainingOf(config: Readonly<Record<string, unknown>>): {
  readonly training: NoiseTraining;
  readonly prediction: Prediction;
} {
  const prediction = namedIn(PREDICTIONS, config, "prediction_type", "epsilon");
  const spacing = config["beta_schedule"] ?? "scaled_linear";
  if (spacing !== "scaled_linear" && spacing !== "linear") {
    throw failed(`beta_schedule is ${shown(spacing)}; known: scaled_linear, linear`);
  }
  if (Array.isArray(config["trained_betas"])) {
    throw failed(
      "trained_betas is a list, which is not supported: export the model with beta_start and beta_end",
    );
  }
  const training: NoiseTraining = {
    spacing,
    betaStart: variance(config, "beta_start", 0.00085),
    betaEnd: variance(config, "beta_end", 0.012),
    timesteps: timestepsOf(config),
  };
  return { training, prediction };
}

/** Models that are run in few steps are trained for timesteps that end at the first one of the noisy end ("trailing"). */
function scheduleOf(config: Readonly<Record<string, unknown>>, sampler: SamplerName): ScheduleName {
  if (config["use_karras_sigmas"] === true) return "karras";
  if (sampler === "lcm" || config["timestep_spacing"] === "trailing") return "sgm_uniform";
  return "normal";
}

/** The entry of a table that a field names. */
function namedIn<T>(
  table: Readonly<Record<string, T>>,
  config: Readonly<Record<string, unknown>>,
  field: string,
  fallback: string,
): T {
  const name = config[field] ?? fallback;
  const entry = typeof name === "string" && Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry !== undefined) return entry;
  throw failed(`${field} is ${shown(name)}; known: ${Object.keys(table).join(", ")}`);
}

function variance(
  config: Readonly<Record<string, unknown>>,
  field: string,
  fallback: number,
): number {
  const value = config[field] ?? fallback;
  if (typeof value === "number" && value > 0 && value < 1) return value;
  throw failed(`${field} is ${shown(value)}; give a number above 0 and below 1`);
}

function timestepsOf(config: Readonly<Record<string, unknown>>): number {
  const value = config["num_train_timesteps"] ?? 1000;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TIMESTEPS)
    return Number(value);
  throw failed(
    `num_train_timesteps is ${shown(value)}; give a whole number from 1 to ${MAX_TIMESTEPS}`,
  );
}

const failed = (problem: string): WorkerError =>
  new WorkerError("model_failed", `scheduler/scheduler_config.json: ${problem}`);
