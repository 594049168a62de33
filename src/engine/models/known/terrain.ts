/** Adaptive terrain diffusion: a one-step diffusion network that draws height maps. Run here. */
import { hasPorts, type KnownNetwork } from "./known-network.ts";

/** The noise levels that the network was trained for. */
const SIGMA_MIN = 0.002;
const SIGMA_MAX = 80;
/** Heights from −1 to 1. */
const HEIGHTS = { layout: "nchw", channels: "gray", range: [-1, 1] } as const;

export const TERRAIN: KnownNetwork = {
  name: "terrain diffusion",
  isTried: true,
  notes: ["strength 1 draws terrain from noise alone; lower it to follow the video"],
  matches: (signature) =>
    hasPorts(signature, {
      inputs: {
        noisy: "float [*, 1, 128, 128]",
        sigma: "float [*]",
        difficulty: "float [*]",
      },
      outputs: { denoised: "float [*, 1, 128, 128]" },
    }),
  describe: () => ({
    description: "Draws height maps of terrain from noise, or from video",
    license: "MIT",
    homepage: "https://github.com/youwyu/Adaptive-Diffusion-Terrain",
    inputs: {
      noisy: { role: "noise", scale: "sigma", frame: HEIGHTS },
      sigma: {
        role: "param",
        name: "strength",
        default: 1,
        min: 0,
        max: 1,
        values: [SIGMA_MIN, SIGMA_MAX],
        scale: "log",
        description: "How much of the video noise replaces: 0 keeps it, 1 ignores it",
      },
      difficulty: {
        role: "param",
        default: 0.5,
        min: 0,
        max: 1,
        description: "How rough the terrain is",
      },
    },
    outputs: { denoised: { role: "image", ...HEIGHTS } },
    presets: { "from noise": { strength: 1 }, "from video": { strength: 0.7 } },
  }),
};
