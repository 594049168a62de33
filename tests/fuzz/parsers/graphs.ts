/** Fuzzes ComfyUI graphs: each is judged in bounded time, and a valid one runs or fails at a named node. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { executionOrder } from "../../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../../src/engine/graph/graph-files.ts";
import type { InputDeclaration } from "../../../src/engine/graph/input-declaration.ts";
import { NODE_CLASSES } from "../../../src/engine/graph/node-classes.ts";
import { nodeErrors } from "../../../src/engine/graph/node-errors.ts";
import { describeProblems } from "../../../src/engine/graph/problem.ts";
import { isPageFormat, parseGraph } from "../../../src/engine/graph/read-graph.ts";
import { forStream, withoutPageNodes } from "../../../src/engine/graph/rewrite.ts";
import { validate } from "../../../src/engine/graph/validate.ts";
import { WorkerError } from "../../../src/errors.ts";
import { sharedData } from "../../support/shared-data.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedTexts } from "../mutated-bytes.ts";
import { mutatedJson, wildValues } from "../mutated-json.ts";
import { FuzzChild } from "./child.ts";

/** Names that `graph-child.ts` has files for. */
export const MODELS = ["tiny-sd"];
export const IMAGES = ["a.png", "rgba.png"];

const FILES = namedFiles({
  checkpoint: MODELS,
  diffusion_model: MODELS,
  text_encoder: MODELS,
  vae: MODELS,
  controlnet: MODELS,
  image: IMAGES,
  latent: [],
  model: ["edges"],
  depth_model: [],
});

/** Golden graphs where the shared data is, and one of our own. */
const CORPUS: readonly unknown[] = [
  {
    "1": { class_type: "LoadImage", inputs: { image: "a.png" } },
    "2": { class_type: "ImageBlur", inputs: { image: ["1", 0], blur_radius: 2, sigma: 1 } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "x" } },
  },
  ...goldenGraphs(),
];

function goldenGraphs(): unknown[] {
  const path = sharedData("golden/graphs/validation.json");
  if (path === null) return [];
  const { cases }: { cases: readonly { graph: unknown }[] } = JSON.parse(
    readFileSync(path, "utf8"),
  );
  return cases.map(({ graph }) => graph);
}

export const graphs = defineTarget<string>({
  name: "graphs",
  inputs: "ComfyUI graphs, changed and random, with wild values, circles, depth and size",
  found: [],
  limitMs: 2000,
  open: () => ({
    inputs: fc.oneof(
      { weight: 4, arbitrary: mutatedJson(CORPUS, { names: inputNames() }).map(asText) },
      {
        weight: 4,
        arbitrary: randomGraphs({ values: wildValues, maxNodes: 30, wild: 8 }).map(asText),
      },
      { weight: 1, arbitrary: mutatedTexts(CORPUS.map((graph) => JSON.stringify(graph))) },
      { weight: 1, arbitrary: largeGraphs.map(asText) },
    ),
    check: judge,
  }),
});

const asText = (value: unknown): string => JSON.stringify(value ?? null);

function judge(json: string): void {
  let graph: ReturnType<typeof parseGraph>;
  try {
    graph = parseGraph(json);
  } catch (error) {
    if (!(error instanceof WorkerError && error.kind === "invalid_request")) throw error;
    if (error.message.length > 1000) throw new Error("the refusal is endless");
    return;
  }
  if (isPageFormat(JSON.parse(json))) throw new Error("the page's own format is accepted");
  for (const read of [graph, forStream(graph)]) {
    const validation = validate(withoutPageNodes(read), { classes: NODE_CLASSES, files: FILES });
    structuredClone(nodeErrors(validation));
    if (validation.refusal === null) executionOrder(validation);
    else if (validation.problems.length === 0) throw new Error("refused without a problem");
    if (describeProblems(validation.problems).length > 40_000)
      throw new Error("the refusal is endless");
  }
}

const CLASSES = [...NODE_CLASSES.values()];
const inputNames = (): string[] => [
  ...new Set(CLASSES.flatMap(({ inputs }) => Object.keys(inputs))),
  ...["class_type", "inputs", "_meta", "nodes", "__proto__"],
];

interface RandomOptions {
  readonly values: fc.Arbitrary<unknown>;
  readonly maxNodes: number;
  /** Of a hundred inputs, how many are a value or a link of any type. */
  readonly wild: number;
  /** Classes of nodes that come first. */
  readonly first?: readonly string[];
}

/** Something of every type that links have. */
const SOURCES = [
  ...["CheckpointLoaderSimple", "LoadImage", "EmptyLatentImage", "CLIPTextEncode", "SolidMask"],
  ...["VAELoader", "KSamplerSelect", "BasicScheduler", "RandomNoise", "BasicGuider"],
];

/** Nodes of real classes, whose inputs are links to any node or values, mostly of the right type. */
function randomGraphs({
  values,
  maxNodes,
  wild,
  first = [],
}: RandomOptions): fc.Arbitrary<unknown> {
  const draw = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(3), values);
  const draws = fc.array(draw, { minLength: 12, maxLength: 12 });
  const random = fc.array(fc.tuple(fc.constantFrom(...CLASSES), draws), { maxLength: maxNodes });
  const given = fc.tuple(...first.map((name) => fc.tuple(fc.constant(classNamed(name)), draws)));
  const output = fc.tuple(fc.constant(classNamed("PreviewImage")), draws);
  return fc.tuple(given, random, output).map(([sources, others, last]) => {
    const nodes = [...sources, ...others, last];
    const classes = nodes.map(([nodeClass]) => nodeClass);
    return Object.fromEntries(
      nodes.map(([nodeClass, its], index) => {
        const declared = Object.entries({ ...nodeClass.inputs, ...nodeClass.optional });
        const inputs = declared.map(([name, declaration], at) => {
          const [chance, place, slot, value] = its[at % its.length] ?? [0, 0, 0, null];
          const isWild = chance < wild;
          const anything = place % 2 === 0 ? value : [String(place % nodes.length), slot];
          const before = first.length > 0 ? classes.slice(0, index) : classes;
          return [name, isWild ? anything : inputOf(declaration, place, value, before)];
        });
        return [
          String(index),
          { class_type: nodeClass.name, inputs: Object.fromEntries(inputs) },
        ] as const;
      }),
    );
  });
}

function classNamed(name: string): (typeof CLASSES)[number] {
  const found = NODE_CLASSES.get(name);
  if (found === undefined) throw new Error(`there is no class ${name}`);
  return found;
}

/** A value of the input's type, or a link to one of the nodes that give it. */
function inputOf(
  declaration: InputDeclaration,
  place: number,
  value: unknown,
  classes: readonly (typeof CLASSES)[number][],
): unknown {
  const { type } = declaration;
  if (type === "COMBO") {
    const words = "options" in declaration ? declaration.options : FILES.list(declaration.files);
    return words[place % Math.max(1, words.length)] ?? value;
  }
  if (type === "INT") return Math.max(Number(declaration.min ?? 0), Math.floor(place * 0.7));
  if (type === "FLOAT") return place / 40;
  if (type === "BOOLEAN") return place % 2 === 0;
  if (type === "STRING") return "a (red:1.2) fox";
  const givers = classes.flatMap(({ outputs }, index) =>
    outputs.flatMap((its, slot) => (its === type || its === "*" ? [[String(index), slot]] : [])),
  );
  return givers[place % Math.max(1, givers.length)] ?? value;
}

/** As many nodes as are allowed and more, in a chain, a circle, or all on one. */
const largeGraphs = fc
  .tuple(fc.integer({ min: 200, max: 1200 }), fc.constantFrom("chain", "circle", "star"))
  .map(([count, shape]) => {
    const nodes = Array.from({ length: count }, (_, index) => {
      const next = shape === "star" ? 0 : (index + 1) % (count + (shape === "chain" ? 1 : 0));
      return [index, { class_type: "ImageInvert", inputs: { image: [String(next), 0] } }];
    });
    const output = { class_type: "PreviewImage", inputs: { images: ["0", 0] } };
    return { ...Object.fromEntries(nodes), out: output };
  });

export const graphRuns = defineTarget<unknown>({
  name: "graph-runs",
  inputs: "random graphs that are valid, run on a tiny pipeline in a process of their own",
  found: [
    {
      what: "sessions of image nodes for pictures of many sizes kept 1.7 GB",
      test: [
        "integration/image-sessions.test.ts",
        "sessions for pictures of many sizes keep memory up to a total",
      ],
    },
    {
      what: "ImageQuantize took fifteen seconds to prepare for a batch with thousands of colours in all",
      test: ["integration/image-graphs.test.ts", "%s is refused with the node"],
    },
    {
      what: "ImageScale that crops to one row ended in an internal error, as nothing was left to scale",
      test: [
        "integration/graph-nodes.test.ts",
        "a picture that is cropped to one row or column keeps at least that",
      ],
    },
  ],
  limitMs: 20_000,
  open: async () => {
    const child = new FuzzChild(join(import.meta.dir, "graph-child.ts"));
    const small = fc.oneof(
      fc.integer({ min: -3, max: 90 }),
      fc.double({ min: -2, max: 3, noNaN: true }),
    );
    return {
      inputs: fc.oneof(
        {
          weight: 3,
          arbitrary: randomGraphs({ values: small, maxNodes: 10, wild: 1, first: SOURCES }),
        },
        {
          weight: 1,
          arbitrary: mutatedJson(CORPUS.filter(isSmall), { names: inputNames(), maxEdits: 2 }),
        },
      ),
      check: (graph) => child.run(asText(graph)),
      pid: await child.start(),
      close: async () => await child[Symbol.asyncDispose](),
    };
  },
});

const isSmall = (graph: unknown): boolean => JSON.stringify(graph).length < 4000;
