/** Compares the sampler that resizes its latent with what ComfyUI 0.3.64 and torch give for a denoiser of one formula. */
import { expect, test } from "bun:test";
import {
  type SampledModel,
  type SampleRequest,
  sampleLatent,
} from "../../../../../src/engine/diffusion/sampler/sample-latent.ts";
import type { Denoise } from "../../../../../src/engine/diffusion/sampler/sampler.ts";
import { lcmUpscale, type Scaling } from "../../../../../src/engine/graph/run/lcm-upscale.ts";
import { table } from "../../diffusion/sampler/analytic-model.ts";

/** The clean latent that is most likely where latents are unit normal. */
const denoise: Denoise = async (x, sigma) => x.map((value) => value / (1 + sigma ** 2));
const model: SampledModel = { denoise, denoiseFor: () => denoise, table, latentScale: 1 };

const SIGMAS = Float32Array.of(14.6, 5, 1.7, 0.6, 0);

type Shape = [number, number, number, number];

const sampled = (scaling: Scaling, shape: Shape, changes: Partial<SampleRequest> = {}) =>
  sampleLatent(
    model,
    { samples: new Float32Array(shape.reduce((all, side) => all * side)), shape },
    {
      method: { sample: lcmUpscale(scaling), noise: "continued" },
      sigmas: SIGMAS,
      seed: 77n,
      ...changes,
    },
  );

interface Reference {
  readonly name: string;
  readonly scaling: Scaling;
  readonly from: Shape;
  readonly sigmas?: Float32Array;
  readonly shape: Shape;
  readonly denoisedShape: Shape;
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly rms: number;
}

const REFERENCES: readonly Reference[] = [
  {
    name: "half of the steps enlarge, along arcs",
    scaling: { ratio: 2, steps: -1, method: "bislerp" },
    from: [1, 4, 6, 10],
    shape: [1, 4, 12, 20],
    denoisedShape: [1, 4, 12, 20],
    first: [-0.6327875, 0.6056126, 0.1632413, 0.2155181, 0.0197343, 0.4902855],
    last: [0.5302879, 0.6095308, -0.5355757],
    rms: 0.5627945,
  },
  {
    name: "one step enlarges",
    scaling: { ratio: 1.5, steps: 1, method: "bilinear" },
    from: [1, 4, 6, 10],
    shape: [1, 4, 9, 15],
    denoisedShape: [1, 4, 9, 15],
    first: [-1.027421, 1.1834685, 0.978987, 0.3871424, 0.0163749, -0.2808411],
    last: [-1.1921493, -0.3906292, -0.2425784],
    rms: 0.5753118,
  },
  {
    name: "no step enlarges",
    scaling: { ratio: 2, steps: 0, method: "area" },
    from: [1, 4, 6, 10],
    shape: [1, 4, 6, 10],
    denoisedShape: [1, 4, 6, 10],
    first: [0.4393572, -0.0485667, 0.3503161, -0.2175523, -0.0880907, -0.0575296],
    last: [-0.2451852, -0.7621834, -0.1308574],
    rms: 0.5354574,
  },
  {
    name: "more steps than there are would enlarge",
    scaling: { ratio: 1.9, steps: 9, method: "bicubic" },
    from: [2, 4, 5, 7],
    shape: [2, 4, 9, 12],
    denoisedShape: [2, 4, 8, 11],
    first: [0.140039, -0.429303, -1.0867993, 0.2855675, -0.1521651, -0.6185662],
    last: [-0.5961604, 0.1918375, -0.7008182],
    rms: 0.4833722,
  },
  {
    name: "three steps shrink",
    scaling: { ratio: 0.5, steps: 3, method: "nearest-exact" },
    from: [1, 4, 6, 10],
    shape: [1, 4, 3, 5],
    denoisedShape: [1, 4, 3, 5],
    first: [0.3145942, 0.3389578, 0.6176623, 0.6139897, -0.1447684, 0.5449284],
    last: [0.4487784, 0.4846918, -0.326737],
    rms: 0.561137,
  },
  {
    name: "the only step enlarges its result",
    scaling: { ratio: 2, steps: -1, method: "area" },
    from: [1, 4, 6, 10],
    sigmas: Float32Array.of(3, 0),
    shape: [1, 4, 12, 20],
    denoisedShape: [1, 4, 6, 10],
    first: [-0.1512927, -0.1512927, -0.1248427, -0.1248427, -0.0409282, -0.0409282],
    last: [0.233659, -0.2302504, -0.2302504],
    rms: 0.2980031,
  },
];

test.each(REFERENCES)("$name", async ({ scaling, from, sigmas = SIGMAS, ...wanted }) => {
  const { samples, shape, denoisedShape } = await sampled(scaling, from, { sigmas });
  expect({ shape, denoisedShape }).toEqual({
    shape: wanted.shape,
    denoisedShape: wanted.denoisedShape,
  });
  expect(samples).toHaveLength(shape.reduce((all, side) => all * side));
  const ends = [
    ...samples.subarray(0, wanted.first.length),
    ...samples.subarray(-wanted.last.length),
  ];
  for (const [at, value] of [...wanted.first, ...wanted.last].entries()) {
    expect(ends[at]).toBeCloseTo(value, 5);
  }
  expect(Math.hypot(...samples) / Math.sqrt(samples.length)).toBeCloseTo(wanted.rms, 5);
});

test("a latent with a noise mask is refused, unless its size stays", async () => {
  const noiseMask = { values: Float32Array.of(1), batch: 1, height: 1, width: 1 };
  const request = (ratio: number): Promise<unknown> =>
    sampleLatent(
      model,
      { samples: new Float32Array(16), shape: [1, 4, 2, 2], noiseMask },
      {
        method: { sample: lcmUpscale({ ratio, steps: -1, method: "area" }), noise: "continued" },
        sigmas: SIGMAS,
        seed: 1n,
      },
    );
  await expect(request(2)).rejects.toThrow("latent_image has a noise mask");
  await request(1);
});

test("a latent that would be too large is refused before it takes memory", async () => {
  const scaling = { ratio: 20, steps: 1, method: "area" } as const;
  await expect(sampled(scaling, [1, 4, 128, 128])).rejects.toThrow(
    "would give latents of 1 pictures of",
  );
});
