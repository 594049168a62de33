/** The fast neural style networks of pytorch/examples, one style a file. */
import type { GraphSignature } from "../tensor-signature.ts";
import { firstNames, hasPorts, type KnownNetwork } from "./known-network.ts";

/** Bytes as floats; what comes out exceeds them and is clamped. */
const RGB = { layout: "nchw", channels: "rgb", range: [0, 255] } as const;

/** Names of input and output: the ONNX model zoo (candy-9.onnx), and gnsmrky's exports. */
const NAMES = [
  ["input1", "output1"],
  ["input.1", "433"],
  ["input.1", "395"],
] as const;

export const FAST_NEURAL_STYLE: KnownNetwork = {
  name: "fast neural style",
  isTried: true,
  matches: (signature) =>
    NAMES.some(([input, output]) =>
      hasPorts(signature, {
        inputs: { [input]: "float [*, 3, *, *]" },
        outputs: { [output]: "float [*, 3, *, *]" },
      }),
    ) && keepsSize(signature),
  describe: (signature) => {
    const [input, output] = firstNames(signature);
    return {
      description: "Paints video in one style",
      license: "BSD-3-Clause",
      homepage: "https://github.com/pytorch/examples/tree/main/fast_neural_style",
      inputs: { [input]: { role: "frame", ...RGB, multiple_of: 4 } },
      outputs: { [output]: { role: "image", ...RGB } },
    };
  },
};

const keepsSize = ({ inputs: [input], outputs: [output] }: GraphSignature): boolean =>
  [2, 3].every((at) => {
    const [before, after] = [input?.dims?.[at], output?.dims?.[at]];
    return typeof before === "string" || typeof after === "string" || before === after;
  });
