/** Reads the scheduler_config.json of a diffusers pipeline: which scheduler it has, and with which options. */

/** The schedulers that are built, by diffusers' class names. */
export const SCHEDULER_CLASSES = [
  "EulerDiscreteScheduler",
  "EulerAncestralDiscreteScheduler",
  "LCMScheduler",
  "DDIMScheduler",
  "DPMSolverMultistepScheduler",
] as const;

export type SchedulerClass = (typeof SCHEDULER_CLASSES)[number];

/** The options of a scheduler, under diffusers' names in camel case. Those that it does not have are ignored. */
export interface SchedulerConfig {
  readonly className: SchedulerClass;
  readonly numTrainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: "linear" | "scaled_linear" | "squaredcos_cap_v2";
  /** Instead of the three above. */
  readonly trainedBetas: readonly number[] | null;
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: "epsilon" | "v_prediction" | "sample";
  readonly timestepSpacing: "linspace" | "leading" | "trailing";
  readonly stepsOffset: number;
  readonly interpolationType: "linear" | "log_linear";
  /** How sigmas are spaced if not as the timesteps are. */
  readonly sigmaSpacing: "timesteps" | "karras" | "exponential" | "beta";
  readonly finalSigmasType: "zero" | "sigma_min";
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  readonly setAlphaToOne: boolean;
  readonly originalInferenceSteps: number;
  readonly timestepScaling: number;
  readonly solverOrder: 1 | 2 | 3;
  readonly algorithmType: "dpmsolver++" | "sde-dpmsolver++";
  readonly solverType: "midpoint" | "heun";
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
}

/** Options that would change the result and are not built: they may only have these values. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  thresholding: [false],
  timestep_type: ["discrete"],
  use_lu_lambdas: [false],
  use_flow_sigmas: [false],
  use_dynamic_shifting: [false],
  variance_type: [null],
  lambda_min_clipped: [null, Number.NEGATIVE_INFINITY],
  sigma_min: [null],
  sigma_max: [null],
};

/**
 * The configuration, with diffusers' defaults for what the file leaves out. Throws `RangeError` with the option's
 * name, its value and what is supported.
 *
 * @param json the content of the file
 */
export function schedulerConfig(json: Readonly<Record<string, unknown>>): SchedulerConfig {
  for (const [name, allowed] of Object.entries(FIXED)) {
    const value = json[name];
    if (value !== undefined && !allowed.includes(value)) refuse(name, value, allowed);
  }
  const options = new Options(json);
  const className = options.choice("_class_name", SCHEDULER_CLASSES);
  const isEuler = className.startsWith("Euler");
  const leadsByDefault = className === "DDIMScheduler" || className === "LCMScheduler";
  return {
    className,
    numTrainTimesteps: options.number("num_train_timesteps", 1000),
    betaStart: options.number("beta_start", className === "LCMScheduler" ? 0.00085 : 0.0001),
    betaEnd: options.number("beta_end", className === "LCMScheduler" ? 0.012 : 0.02),
    betaSchedule: options.choice(
      "beta_schedule",
      ["linear", "scaled_linear", "squaredcos_cap_v2"],
      className === "LCMScheduler" ? "scaled_linear" : "linear",
    ),
    trainedBetas: options.numbers("trained_betas"),
    rescaleBetasZeroSnr: options.flag("rescale_betas_zero_snr", false),
    predictionType: options.choice(
      "prediction_type",
      ["epsilon", "v_prediction", "sample"],
      "epsilon",
    ),
    timestepSpacing: options.choice(
      "timestep_spacing",
      ["linspace", "leading", "trailing"],
      leadsByDefault ? "leading" : "linspace",
    ),
    stepsOffset: options.number("steps_offset", 0),
    interpolationType: options.choice("interpolation_type", ["linear", "log_linear"], "linear"),
    sigmaSpacing: sigmaSpacing(options),
    finalSigmasType: options.choice("final_sigmas_type", ["zero", "sigma_min"], "zero"),
    clipSample: options.flag("clip_sample", !isEuler),
    clipSampleRange: options.number("clip_sample_range", 1),
    setAlphaToOne: options.flag("set_alpha_to_one", true),
    originalInferenceSteps: options.number("original_inference_steps", 50),
    timestepScaling: options.number("timestep_scaling", 10),
    solverOrder: options.choice("solver_order", [1, 2, 3], 2),
    algorithmType: options.choice(
      "algorithm_type",
      ["dpmsolver++", "sde-dpmsolver++"],
      "dpmsolver++",
    ),
    solverType: options.choice("solver_type", ["midpoint", "heun"], "midpoint"),
    lowerOrderFinal: options.flag("lower_order_final", true),
    eulerAtFinal: options.flag("euler_at_final", false),
  };
}

function sigmaSpacing(options: Options): SchedulerConfig["sigmaSpacing"] {
  for (const spacing of ["karras", "exponential", "beta"] as const) {
    if (options.flag(`use_${spacing}_sigmas`, false)) return spacing;
  }
  return "timesteps";
}

/** Options of a JSON object, each checked as it is read. A null counts as left out. */
class Options {
  readonly #json: Readonly<Record<string, unknown>>;

  constructor(json: Readonly<Record<string, unknown>>) {
    this.#json = json;
  }

  choice<T extends string | number>(name: string, allowed: readonly T[], fallback?: T): T {
    const value = this.#json[name] ?? fallback;
    const found = allowed.find((one) => one === value);
    return found ?? refuse(name, value, allowed);
  }

  number(name: string, fallback: number): number {
    const value = this.#json[name] ?? fallback;
    return typeof value === "number" && Number.isFinite(value)
      ? value
      : refuse(name, value, ["a number"]);
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#json[name] ?? fallback;
    return typeof value === "boolean" ? value : refuse(name, value, [true, false]);
  }

  numbers(name: string): readonly number[] | null {
    const value = this.#json[name] ?? null;
    if (value === null) return null;
    return Array.isArray(value) && value.every((one) => typeof one === "number")
      ? value
      : refuse(name, value, ["a list of numbers"]);
  }
}

function refuse(name: string, value: unknown, allowed: readonly unknown[]): never {
  const supported = allowed.map((one) => JSON.stringify(one)).join(", ");
  throw new RangeError(
    `scheduler option ${name} is ${JSON.stringify(value)}; supported: ${supported}`,
  );
}
