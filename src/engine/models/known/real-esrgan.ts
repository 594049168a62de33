/** Real-ESRGAN, which enlarges pictures: the compact networks and the large ones. Written from its documentation. */
import { firstNames, hasShapes, type KnownNetwork } from "./known-network.ts";

const RGB = { layout: "nchw", channels: "rgb", range: [0, 1] } as const;

/** Its exports look like those of any network from picture to picture: the name of the file tells. */
export const REAL_ESRGAN: KnownNetwork = {
  name: "Real-ESRGAN",
  isTried: false,
  notes: [
    "it runs on pictures of the stream's size and gives them enlarged: set inputs.*.size to a smaller one for speed",
  ],
  matches: (signature, file) =>
    /real-?esr/i.test(file) &&
    hasShapes(signature, { inputs: ["float [*, 3, *, *]"], outputs: ["float [*, 3, *, *]"] }),
  describe: (signature) => {
    const [input, output] = firstNames(signature);
    return {
      description: "Enlarges pictures and removes noise",
      license: "BSD-3-Clause",
      homepage: "https://github.com/xinntao/Real-ESRGAN",
      inputs: { [input]: { role: "frame", ...RGB } },
      outputs: { [output]: { role: "image", ...RGB } },
    };
  },
};
