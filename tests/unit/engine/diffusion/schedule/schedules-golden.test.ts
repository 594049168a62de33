/** Compares sigma schedules with those that ComfyUI itself computed. */
import { describe, expect, test } from "bun:test";
import {
  type AlignedFamily,
  alignedSigmas,
} from "../../../../../src/engine/diffusion/schedule/align-your-steps.ts";
import {
  exponentialSigmas,
  karrasSigmas,
  laplaceSigmas,
  polyexponentialSigmas,
  vpSigmas,
} from "../../../../../src/engine/diffusion/schedule/curve-schedules.ts";
import {
  basicSchedulerSigmas,
  kSamplerSigmas,
  type ScheduleName,
} from "../../../../../src/engine/diffusion/schedule/named-schedules.ts";
import {
  extendSigmas,
  flipSigmas,
  setFirstSigma,
  splitSigmas,
  splitSigmasByDenoise,
} from "../../../../../src/engine/diffusion/schedule/sigma-edits.ts";
import {
  SigmaTable,
  trainedSigmas,
  zeroTerminalSigmas,
} from "../../../../../src/engine/diffusion/schedule/sigma-table.ts";
import {
  betaSigmas,
  turboSigmas,
} from "../../../../../src/engine/diffusion/schedule/table-schedules.ts";
import { expectClose, goldenCases } from "../../../../support/golden-arrays.ts";

const TOLERANCE = { rtol: 2e-6 };
const table = new SigmaTable(trainedSigmas());

interface Inputs {
  readonly scheduler: ScheduleName;
  readonly model_type: AlignedFamily;
  readonly spacing: "linear" | "cosine" | "sine";
  readonly [name: string]: number | string;
}

/** What a scheduler node returns: one list of sigmas, or two. */
function runNode(node: string, inputs: Inputs, given: () => Float32Array): Float32Array[] {
  const number = (name: string): number => inputs[name] as number;
  const steps = number("steps");
  const range = { sigmaMin: number("sigma_min"), sigmaMax: number("sigma_max") };
  switch (node) {
    case "BasicScheduler":
      return [
        basicSchedulerSigmas(table, {
          schedule: inputs.scheduler,
          steps,
          denoise: number("denoise"),
        }),
      ];
    case "SDTurboScheduler":
      return [turboSigmas(table, steps, number("denoise"))];
    case "KarrasScheduler":
      return [karrasSigmas(range, steps, number("rho"))];
    case "ExponentialScheduler":
      return [exponentialSigmas(range, steps)];
    case "PolyexponentialScheduler":
      return [polyexponentialSigmas(range, steps, number("rho"))];
    case "VPScheduler":
      return [vpSigmas(steps, number("beta_d"), number("beta_min"), number("eps_s"))];
    case "LaplaceScheduler":
      return [laplaceSigmas(range, steps, number("mu"), number("beta"))];
    case "BetaSamplingScheduler":
      return [betaSigmas(table, steps, { alpha: number("alpha"), beta: number("beta") })];
    case "AlignYourStepsScheduler":
      return [alignedSigmas(inputs.model_type, steps, number("denoise"))];
    case "SplitSigmas": {
      const { high, low } = splitSigmas(given(), number("step"));
      return [high, low];
    }
    case "SplitSigmasDenoise": {
      const { high, low } = splitSigmasByDenoise(given(), number("denoise"));
      return [high, low];
    }
    case "FlipSigmas":
      return [flipSigmas(given())];
    case "SetFirstSigma":
      return [setFirstSigma(given(), number("sigma"))];
    case "ExtendIntermediateSigmas":
      return [
        extendSigmas(given(), {
          steps,
          startAtSigma: number("start_at_sigma"),
          endAtSigma: number("end_at_sigma"),
          spacing: inputs.spacing,
        }),
      ];
    default:
      throw new Error(`no test knows the node ${node}`);
  }
}

const schedules = goldenCases<Inputs & { readonly node: string; readonly sampler: string }>(
  "sigmas/sigmas",
);
describe("KSampler and scheduler nodes:", () => {
  for (const one of schedules) {
    test(one.title, () => {
      if (one.node === "ModelSamplingDiscrete") {
        expectClose(table.sigmas, one.array("sigmas"), TOLERANCE);
        return;
      }
      const [sigmas = new Float32Array(0)] =
        one.node === "KSampler"
          ? [
              kSamplerSigmas(
                table,
                {
                  schedule: one.scheduler,
                  steps: one["steps"] as number,
                  denoise: one["denoise"] as number,
                },
                one.sampler === "dpm_2" ? "dropped" : "kept",
              ),
            ]
          : runNode(one.node, one, () => new Float32Array(0));
      expectClose(sigmas, one.array("sigmas"), TOLERANCE);
      const timesteps = one.array("timesteps");
      const noisy = sigmas.subarray(0, timesteps.length);
      if (!sigmas.includes(Number.NaN)) {
        expect([...noisy].map((sigma) => table.timestep(sigma))).toEqual([...timesteps]);
      }
    });
  }
});

const nodes = goldenCases<{ readonly class_type: string; readonly inputs: Inputs }>(
  "schedules/nodes",
);
describe("nodes:", () => {
  for (const one of nodes) {
    test(one.title, () => {
      const outputs = runNode(one.class_type, one.inputs, () => one.array("input_sigmas"));
      const tolerance = one.class_type === "LaplaceScheduler" ? { atol: 1e-5 } : TOLERANCE;
      expect(one.has(`output${outputs.length}`)).toBe(false);
      for (const [i, output] of outputs.entries()) {
        expectClose(output, one.array(`output${i}`), tolerance);
      }
    });
  }
});

const lookups = goldenCases<{ readonly percent: readonly number[] }>("schedules/table");
describe("look-ups:", () => {
  for (const one of lookups) {
    test(one.title, () => {
      switch (one.id) {
        case "sd15":
          return expectClose(table.sigmas, one.array("sigmas"), TOLERANCE);
        case "sd15-zsnr":
          return expectClose(zeroTerminalSigmas(), one.array("sigmas"), TOLERANCE);
        case "timestep-of-sigma":
          return expect([...one.array("sigma")].map((sigma) => table.timestep(sigma))).toEqual([
            ...one.array("timestep"),
          ]);
        case "sigma-of-timestep":
          return expectClose(
            one.array("timestep").map((timestep) => table.sigma(timestep)),
            one.array("sigma"),
            TOLERANCE,
          );
        case "percent-to-sigma":
          return expectClose(
            one.percent.map((percent) => table.percentToSigma(percent)),
            one.array("sigma"),
            TOLERANCE,
          );
        default:
          throw new Error(`no test knows the look-up ${one.id}`);
      }
    });
  }
});
