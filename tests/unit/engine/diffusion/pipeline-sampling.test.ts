/** What a pipeline's scheduler configuration says of its sampler and of how its model was trained. */
import { expect, test } from "bun:test";
import { samplingOf } from "../../../../src/engine/diffusion/pipeline-sampling.ts";

/** As Stable Diffusion's configurations have them. */
const TRAINED = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };

test.each([
  ["EulerDiscreteScheduler", "euler"],
  ["UniPCMultistepScheduler", "uni_pc_bh2"],
  ["DPMSolverMultistepScheduler", "dpmpp_2m"],
  ["LCMScheduler", "lcm"],
])("%s is ComfyUI's %s", (_class_name, sampler) => {
  expect(samplingOf({ _class_name, ...TRAINED }).sampler).toBe(sampler as "euler");
});

test("DPM-Solver++ with noise is the stochastic one", () => {
  const config = { _class_name: "DPMSolverMultistepScheduler", ...TRAINED };
  const stochastic = { ...config, algorithm_type: "sde-dpmsolver++" };
  expect(samplingOf(stochastic).sampler).toBe("dpmpp_2m_sde");
  expect(samplingOf({ ...config, algorithm_type: "dpmsolver++" }).sampler).toBe("dpmpp_2m");
});

test("few-step models start at the last timestep, and consistency models know fifty of them", () => {
  const turbo = samplingOf({ ...TRAINED, timestep_spacing: "trailing" });
  expect(turbo.schedule).toBe("sgm_uniform");
  expect(samplingOf({ ...TRAINED, timestep_spacing: "leading" }).schedule).toBe("normal");
  const lcm = samplingOf({ ...TRAINED, _class_name: "LCMScheduler" });
  expect(lcm).toMatchObject({ prediction: "lcm", schedule: "sgm_uniform" });
  expect(lcm.table.sigmas).toHaveLength(50);
});

test("the variance of the noise rises as the model was trained", () => {
  const highest = (config: Record<string, unknown>) => samplingOf(config).table.sigmaMax;
  expect(highest(TRAINED)).toBeCloseTo(14.6146, 3);
  expect(highest({ ...TRAINED, beta_schedule: "linear" })).toBeCloseTo(25.1461, 3); // by numpy
  const velocity = { ...TRAINED, prediction_type: "v_prediction", rescale_betas_zero_snr: true };
  expect(highest(velocity)).toBeCloseTo(4518.77, 1);
  expect(samplingOf(velocity).prediction).toBe("v_prediction");
});

test.each([
  [{ _class_name: "TCDScheduler" }, /_class_name is "TCDScheduler"; known: Euler/],
  [{ prediction_type: "flow" }, /prediction_type is "flow"; known: epsilon/],
  [{ beta_schedule: "squaredcos_cap_v2" }, /beta_schedule is "squaredcos_cap_v2"; known: scaled/],
  [{ trained_betas: [0.1, 0.2] }, /trained_betas is a list, which is not supported/],
  [{ beta_end: -1 }, /beta_end is -1; give a number above 0/],
  [{ beta_start: 1.5 }, /beta_start is 1.5; give a number above 0 and below 1/],
  [{ beta_start: 0.9, beta_end: 0.999 }, /beta_end 0.999 leave no signal at the end/],
  [{ beta_start: 0.40085, beta_end: 0.012 }, /beta_start 0.40085 .* leave no signal at the end/],
  [{ num_train_timesteps: 1e12 }, /num_train_timesteps is 1000000000000; give a whole number/],
  [{ num_train_timesteps: 0.5 }, /num_train_timesteps is 0.5; give a whole number/],
  [{ _class_name: { a: 1 } }, /_class_name is {"a":1}; known: Euler/],
  [{ _class_name: "constructor" }, /_class_name is "constructor"; known: Euler/],
  [{ prediction_type: ["epsilon"] }, /prediction_type is \["epsilon"\]; known: epsilon/],
])("what is not known or cannot be is named: %p", (config, problem) => {
  expect(() => samplingOf({ ...TRAINED, ...config })).toThrow(problem);
});
