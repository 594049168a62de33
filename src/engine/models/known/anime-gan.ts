/** AnimeGAN, which redraws pictures as anime: version 2 (torch and TensorFlow) and 3. Written from their documentation. */
import { firstNames, hasPorts, hasShapes, type KnownNetwork } from "./known-network.ts";

const NCHW = { layout: "nchw", channels: "rgb", range: [-1, 1] } as const;
const NHWC = { layout: "nhwc", channels: "rgb", range: [-1, 1] } as const;
const DESCRIPTION = "Redraws pictures as anime";

/** bryandlee's port. Its exports have no names of their own: the name of the file tells. */
const torch: KnownNetwork = {
  name: "AnimeGANv2 (PyTorch)",
  isTried: false,
  notes: ["the face_paint weights expect a face that fills the picture"],
  matches: (signature, file) =>
    /face_?paint|anime_?gan|celeba_distill|paprika/i.test(file) &&
    hasShapes(signature, { inputs: ["float [*, 3, *, *]"], outputs: ["float [*, 3, *, *]"] }),
  describe: (signature) => {
    const [input, output] = firstNames(signature);
    return {
      description: DESCRIPTION,
      license: "MIT",
      homepage: "https://github.com/bryandlee/animegan2-pytorch",
      inputs: { [input]: { role: "frame", ...NCHW, multiple_of: 32 } },
      outputs: { [output]: { role: "image", ...NCHW } },
    };
  },
};

/** Names of input and output, the version, and the number that sides must be a multiple of. */
const TENSORFLOW = [
  ["generator_input:0", "generator/G_MODEL/out_layer/Tanh:0", 2, 32],
  ["AnimeGANv3_input:0", "generator_1/main/out_layer:0", 3, 16],
  ["animeganv3_input:0", "generator_1/main/out_layer:0", 3, 16],
] as const;

const tensorflow = TENSORFLOW.map(
  ([input, output, version, multiple]): KnownNetwork => ({
    name: `AnimeGANv${version} (TensorFlow)`,
    isTried: false,
    notes: ["its license excludes commercial use"],
    matches: (signature) =>
      hasPorts(signature, {
        inputs: { [input]: "float [*, *, *, *]" },
        outputs: { [output]: "float [*, *, *, *]" },
      }),
    describe: () => ({
      description: DESCRIPTION,
      license: "non-commercial",
      homepage: `https://github.com/TachibanaYoshino/AnimeGANv${version}`,
      inputs: { [input]: { role: "frame", ...NHWC, multiple_of: multiple } },
      outputs: { [output]: { role: "image", ...NHWC } },
    }),
  }),
);

export const ANIME_GAN = [torch, ...tensorflow];
