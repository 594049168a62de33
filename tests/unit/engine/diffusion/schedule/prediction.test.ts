/** Checks that each kind of network output leads to the clean latent that it stands for. */
import { expect, test } from "bun:test";
import { modelDenoise } from "../../../../../src/engine/diffusion/sampler/model-denoise.ts";
import {
  consistencyScalings,
  inputScale,
  type Prediction,
} from "../../../../../src/engine/diffusion/schedule/prediction.ts";
import {
  distilledTable,
  SigmaTable,
  trainedSigmas,
} from "../../../../../src/engine/diffusion/schedule/sigma-table.ts";

const table = new SigmaTable(trainedSigmas());
const [clean, noise, sigma] = [0.7, -1.3, 2.5];
const noisy = clean + noise * sigma;

/** The clean latent of a network that puts out `output`, and the input that it got. */
async function denoised(prediction: Prediction, output: number, by = table) {
  let input = Number.NaN;
  let timestep = Number.NaN;
  const denoise = modelDenoise(
    async (values, at) => {
      [input = Number.NaN] = values;
      timestep = at;
      return Float32Array.of(output);
    },
    { table: by, prediction },
  );
  const [result = Number.NaN] = await denoise(Float32Array.of(noisy), sigma);
  return { result, input, timestep };
}

test("noise, velocity and clean latent lead to the same clean latent", async () => {
  const signal = 1 / Math.sqrt(1 + sigma * sigma);
  const outputs = {
    eps: noise,
    v_prediction: signal * (noise - sigma * clean),
    x0: clean,
  } as const;
  for (const prediction of ["eps", "v_prediction", "x0"] as const) {
    const { result, input, timestep } = await denoised(prediction, outputs[prediction]);
    expect(result).toBeCloseTo(clean, 5);
    expect(input).toBeCloseTo(noisy * signal, 5);
    expect(timestep).toBe(table.timestep(sigma));
  }
});

test("an image to image network gets the latent as it is", async () => {
  const { result, input } = await denoised("img_to_img", clean);
  expect(result).toBeCloseTo(clean, 6);
  expect(input).toBeCloseTo(noisy, 5);
  expect(inputScale("img_to_img", sigma)).toBe(1);
});

test("a consistency model keeps its boundary condition, at the timesteps that it was distilled to", async () => {
  const distilled = distilledTable(table.sigmas);
  const { result, timestep } = await denoised("lcm", noise, distilled);
  expect((timestep + 1) % 20).toBe(0);
  const { skip, out } = consistencyScalings(timestep);
  expect(result).toBeCloseTo(out * clean + skip * noisy, 5);
  expect(consistencyScalings(0)).toEqual({ skip: 1, out: 0 });
});
