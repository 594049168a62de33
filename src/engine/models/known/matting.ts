/** People cut out of video: MODNet and Robust Video Matting. Written from their documentation. */
import { firstNames, hasPorts, hasShapes, type KnownNetwork } from "./known-network.ts";

const modnet: KnownNetwork = {
  name: "MODNet",
  isTried: false,
  notes: ['set over of the output to "blur" or "image" for another background'],
  // Many networks have an "input" and an "output": the symbols are those of its export script.
  matches: (signature, file) =>
    hasPorts(signature, {
      inputs: { input: "float [batch_size, 3, height, width]" },
      outputs: { output: "float [batch_size, 1, height, width]" },
    }) ||
    (/modnet/i.test(file) &&
      hasShapes(signature, { inputs: ["float [*, 3, *, *]"], outputs: ["float [*, 1, *, *]"] })),
  describe: (signature) => {
    const [input, output] = firstNames(signature);
    return {
      description: "Cuts people out of the picture",
      license: "Apache-2.0",
      homepage: "https://github.com/ZHKKKe/MODNet",
      inputs: {
        [input]: {
          role: "frame",
          layout: "nchw",
          channels: "rgb",
          range: [-1, 1],
          multiple_of: 32,
        },
      },
      outputs: { [output]: { role: "mask", layout: "nchw", over: "colour" } },
    };
  },
};

const STATES = ["r1", "r2", "r3", "r4"] as const;
const ANY = "float [*, *, *, *]";

const robustVideoMatting: KnownNetwork = {
  name: "Robust Video Matting",
  isTried: false,
  notes: [
    "downsample_ratio 0.5 suits pictures of 512 to 1024 pixels: the longer side times the ratio should be 256 to 512",
    'set outputs.pha.over to "blur" or "image" for another background',
  ],
  matches: (signature) =>
    hasPorts(signature, {
      inputs: {
        src: "float [*, 3, *, *]",
        ...Object.fromEntries(STATES.map((name) => [`${name}i`, ANY])),
        downsample_ratio: "float32 [1]",
      },
      outputs: {
        fgr: "float [*, *, *, *]",
        pha: "float [*, *, *, *]",
        ...Object.fromEntries(STATES.map((name) => [`${name}o`, ANY])),
      },
    }),
  describe: () => ({
    description: "Cuts people out of video, steadily from frame to frame",
    license: "GPL-3.0",
    homepage: "https://github.com/PeterL1n/RobustVideoMatting",
    inputs: {
      src: { role: "frame", layout: "nchw", channels: "rgb", range: [0, 1] },
      // Before the first frame each state is one zero, which the network broadcasts.
      ...Object.fromEntries(
        STATES.map((name) => [`${name}i`, { role: "state", output: `${name}o` }]),
      ),
      // A constant, as the states of one ratio do not fit another.
      downsample_ratio: { role: "constant", value: 0.5 },
    },
    outputs: {
      fgr: { role: "ignore" },
      pha: { role: "mask", layout: "nchw", over: "colour" },
      ...Object.fromEntries(STATES.map((name) => [`${name}o`, { role: "state" }])),
    },
  }),
};

export const MATTING = [modnet, robustVideoMatting];
