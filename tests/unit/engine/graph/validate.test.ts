/** Which graphs are valid, which of their outputs can run, and what is said about the faults. */
import { expect, test } from "bun:test";
import { checkValue } from "../../../../src/engine/graph/check-value.ts";
import { namedFiles } from "../../../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { describeProblems } from "../../../../src/engine/graph/problem.ts";
import { parseGraph, readGraph } from "../../../../src/engine/graph/read-graph.ts";
import { validate } from "../../../../src/engine/graph/validate.ts";
import { blurred, FILES, judged, messages, type PlainNode, textToImage } from "./graphs.ts";

const SAVE = (from: unknown): PlainNode => ({
  class_type: "SaveImage",
  inputs: { images: from, filename_prefix: "x" },
});

test("a graph without a fault is valid, and its outputs can run", () => {
  const validation = judged(blurred());
  expect(validation).toMatchObject({ refusal: null, outputs: ["3"], problems: [] });
  expect([...validation.nodes.keys()].sort()).toEqual(["1", "2", "3"]);
});

test("a graph of loaders, texts, a sampler and a decoder is valid", () => {
  expect(judged(textToImage())).toMatchObject({ refusal: null, outputs: ["save"], problems: [] });
});

test("of many options some are listed, and the one that was probably meant", () => {
  const [message] = messages(judged(textToImage({ sampler_name: "dpmp_2m" })));
  expect(message).toBe(
    'node sampler (KSampler): sampler_name is "dpmp_2m", which is not one of its options (did you mean "dpmpp_2m"?); ' +
      "they are euler, euler_cfg_pp, euler_ancestral, euler_ancestral_cfg_pp, heun, heunpp2, dpm_2, dpm_2_ancestral and 34 more",
  );
});

test.each(["NaN", "-nan", " nan "])("%p is not a number", (cfg) => {
  const { refusal, problems } = judged(textToImage({ cfg }));
  expect(refusal).toBe("prompt_outputs_failed_validation");
  expect(problems).toMatchObject([{ type: "invalid_input_type", input: "cfg" }]);
  expect(problems[0]?.message).toContain(`cfg must be a number from 0 to 100, got "${cfg}"`);
});

test.each([{ min: 0 }, { max: 1 }, {}])("a number with the limits %p is finite", (limits) => {
  const context = { files: FILES, suggest: () => null };
  for (const given of ["inf", "-inf", "nan"]) {
    expect(checkValue({ type: "FLOAT", ...limits }, given, context)).toHaveProperty("problem");
  }
});

test("an input that the class does not have may be meant for the one that is missing", () => {
  const given = { image: ["1", 0], sigma: 1 };
  const misspelt = { class_type: "ImageBlur", inputs: { ...given, blur_radus: 3 } };
  expect(messages(judged({ ...blurred(), "2": misspelt }))).toEqual([
    'node 2 (ImageBlur): blur_radius is missing: give an integer from 1 to 31 (did you mean blur_radius by "blur_radus"?)',
  ]);
  const other = { class_type: "ImageBlur", inputs: { ...given, strength: 3 } };
  expect(messages(judged({ ...blurred(), "2": other }))).toEqual([
    "node 2 (ImageBlur): blur_radius is missing: give an integer from 1 to 31",
  ]);
});

test("a text names the first problems, and how many more there are", () => {
  const { problems } = judged({
    ...blurred(),
    ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`s${at}`, SAVE(["44", 0])])),
  });
  expect(problems).toHaveLength(12);
  const text = describeProblems(problems);
  expect(text).toStartWith(
    'node s0 (SaveImage): images links to node "44", which is not in the graph',
  );
  expect(text).toEndWith("; and 2 more");
});

test("all faults are reported at once, each with node, class, input, value and the way out", () => {
  const graph = blurred({ blur_radius: 99, sigma: "wide" });
  const validation = judged({
    ...graph,
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0] } },
  });
  expect(validation.refusal).toBe("prompt_outputs_failed_validation");
  expect(messages(validation)).toEqual([
    "node 3 (SaveImage): filename_prefix is missing: give a text",
    "node 2 (ImageBlur): blur_radius is 99, which is too large: it must be an integer from 1 to 31",
    'node 2 (ImageBlur): sigma must be a number from 0.1 to 10, got "wide"',
  ]);
});

test("a node's own title is in the message, a default one is not", () => {
  const titled = { ...blurred()["2"], inputs: {}, _meta: { title: "Soften" } };
  expect(messages(judged({ ...blurred(), "2": titled }))[0]).toStartWith(
    'node 2 "Soften" (ImageBlur): ',
  );
  const plain = { ...titled, _meta: { title: "ImageBlur" } };
  expect(messages(judged({ ...blurred(), "2": plain }))[0]).toStartWith("node 2 (ImageBlur): ");
});

test("an unknown class makes the graph invalid wherever it is, and names the nearest one", () => {
  const validation = judged({
    ...blurred(),
    "7": { class_type: "ImageBlurr", inputs: {} },
    "8": { class_type: "ImageBlurr", inputs: {} },
    "9": { class_type: "Whatever", inputs: {} },
  });
  expect(validation).toMatchObject({
    refusal: "invalid_prompt",
    outputs: [],
    unknownClasses: ["ImageBlurr", "Whatever"],
  });
  expect(messages(validation)).toEqual([
    "nodes 7, 8 have the class ImageBlurr, which is not known here; did you mean ImageBlur?",
    "node 9 has the class Whatever, which is not known here; GET /nodes lists those that are",
  ]);
});

test("characters that change what is around them are escaped in messages", () => {
  const { problems } = judged({ "1\n": { class_type: "Bad\u001b[31m\u202e", inputs: {} } });
  expect(problems[0]?.message).toContain("node 1\\u000a has the class Bad\\u001b[31m\\u202e,");
  const { problems: at } = judged({
    "9": { class_type: "SaveImage", inputs: {} },
    "\r2": SAVE(null),
  });
  for (const { message } of at) expect(message).not.toMatch(/\p{Cc}/u);
});

test("the faults of other nodes are reported beside an unknown class", () => {
  const validation = judged({ ...blurred({ sigma: 99 }), "9": { class_type: "Whatever" } });
  expect(validation.problems.map(({ type }) => type)).toEqual([
    "unknown_class",
    "value_bigger_than_max",
  ]);
});

test("names of JavaScript's own objects are no classes and no inputs", () => {
  const graph = JSON.parse('{"1": {"class_type": "constructor", "inputs": {}}}');
  expect(judged(graph).unknownClasses).toEqual(["constructor"]);
  const odd = JSON.parse(
    '{"__proto__": {"class_type": "SaveImage", "inputs": {"images": ["toString", 0]}}}',
  );
  expect(messages(judged(odd))[0]).toContain(
    'images links to node "toString", which is not in the graph',
  );
});

test("a fault in a node that no output needs is never looked at", () => {
  const unneeded = { class_type: "ImageBlur", inputs: { blur_radius: -1 } };
  expect(judged({ ...blurred(), "9": unneeded })).toMatchObject({ refusal: null, problems: [] });
});

test("one good output is enough; the other is left out with its reason", () => {
  const validation = judged({
    ...blurred(),
    "7": { class_type: "LoadImage", inputs: { image: "exmple.png" } },
    "8": SAVE(["7", 0]),
  });
  expect(validation).toMatchObject({ refusal: null, outputs: ["3"], failedOutputs: ["8"] });
  expect(messages(validation)[0]).toContain(
    '"exmple.png", and there is no such picture in the input folder (did you mean "example.png"?)',
  );
});

test.each([
  ["a node that is absent", ["44", 0], 'links to node "44", which is not in the graph'],
  ["an id that is a number", [1, 0], 'write the id as text: ["1", 0]'],
  ["an output that is absent", ["1", 2], "whose outputs are: 0 (IMAGE), 1 (MASK)"],
  [
    "an output of another type",
    ["1", 1],
    "needs an IMAGE, and output 1 of node 1 (LoadImage) is a MASK; its output 0 is one",
  ],
  ["one element", ["1"], 'must be a link [node id, output index], got ["1"]'],
])("a link to %s is refused at the node that has it", (_, image, problem) => {
  const validation = judged(blurred({ image }));
  expect(validation.outputs).toEqual([]);
  expect(validation.problems).toMatchObject([{ node: "2", input: "image" }]);
  expect(messages(validation)[0]).toContain(problem);
});

test.each([
  ["counted from the end", -2, 0],
  ["by true, which is 1 in Python", true, 1],
])("an output %s is found", (_, index, output) => {
  const link = index === true ? "mask" : "image";
  const validation = judged({
    ...blurred(),
    "2": {
      class_type: index === true ? "MaskToImage" : "ImageInvert",
      inputs: { [link]: ["1", index] },
    },
  });
  expect(validation).toMatchObject({ refusal: null, problems: [] });
  expect(validation.nodes.get("2")?.links.get(link)).toEqual({ node: "1", output });
});

test.each([
  [5, "5"],
  ["example.png", '"example.png"'],
  [null, "null"],
  [{ a: 1 }, '{"a":1}'],
])(
  "%p where only a link makes sense passes, as in ComfyUI, and is noted at its node",
  (image, shown) => {
    const validation = judged(blurred({ image }));
    expect(validation).toMatchObject({ refusal: null, outputs: ["3"], problems: [] });
    expect(validation.nodes.get("2")?.missingLinks).toMatchObject([
      { node: "2", input: "image", problem: expect.stringContaining(`to an IMAGE, got ${shown}`) },
    ]);
  },
);

test("nodes that cannot be read are problems beside those of the others", () => {
  const graph = {
    ...blurred({ sigma: 99 }),
    "1": { class_type: "LoadImage" },
    "7": { inputs: {} },
    "8": "text",
    "9": { class_type: 7, inputs: {} },
  };
  const validation = judged(graph as Record<string, PlainNode>);
  expect(validation.refusal).toBe("invalid_prompt");
  expect(messages(validation)).toEqual([
    "node 7: class_type is missing: give the name of a node class",
    'node 8: must be a node: an object with class_type and inputs, got "text"',
    "node 9: class_type must be the name of a node class, got 7",
    "node 2 (ImageBlur): sigma is 99, which is too large: it must be a number from 0.1 to 10",
    "node 1 (LoadImage): inputs is missing: give an object of inputs by name",
  ]);
});

test("a class without required inputs needs no object of them", () => {
  const graph = {
    "1": { class_type: "LoadTensor" },
    "2": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
  };
  expect(judged(graph)).toMatchObject({ refusal: null, problems: [] });
});

test.each([[5], [true], [null], [{ a: 1 }]])(
  "%p as the name of a picture is the exception that it is in ComfyUI",
  (image) => {
    const { problems } = judged({
      ...blurred(),
      "1": { class_type: "LoadImage", inputs: { image } },
    });
    expect(problems).toMatchObject([
      { type: "exception_during_inner_validation", node: "1", input: "image" },
    ]);
  },
);

test("a cycle is named, and leaves outputs alone that do not need it", () => {
  const invert = (image: unknown): PlainNode => ({ class_type: "ImageInvert", inputs: { image } });
  const validation = judged({
    ...blurred(),
    "5": invert(["6", 0]),
    "6": invert(["7", 0]),
    "7": invert(["5", 0]),
    "8": SAVE(["5", 0]),
    "9": invert(["9", 0]),
    "10": SAVE(["9", 0]),
  });
  expect(validation).toMatchObject({ refusal: null, outputs: ["3"], failedOutputs: ["8", "10"] });
  expect(validation.problems).toMatchObject([
    { type: "dependency_cycle", nodes: ["5", "6", "7"] },
    { type: "dependency_cycle", nodes: ["9"] },
  ]);
  expect(messages(validation)[1]).toBe(
    "node 9 (ImageInvert) needs itself; remove one of the links",
  );
});

test("a graph without output node says which classes are outputs", () => {
  const { "3": _, ...rest } = blurred();
  expect(judged(rest)).toMatchObject({ refusal: "prompt_no_outputs", outputs: [] });
  expect(messages(judged({}))).toEqual([
    "the graph is empty; add one, such as SaveImage, PreviewImage, SaveTensor",
  ]);
});

test("values are converted, and optional inputs get their defaults", () => {
  const values = judged(blurred({ blur_radius: "7", sigma: true })).nodes.get("2")?.values;
  expect(values).toEqual(
    new Map([
      ["blur_radius", 7],
      ["sigma", 1],
    ]),
  );
  const { nodes } = judged({
    "1": { class_type: "LoadTensor", inputs: {} },
    "2": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
  });
  expect(nodes.get("1")?.values).toEqual(new Map([["timeout_seconds", 1]]));
});

test("an optional input may be null, which is as if it were not given; a required one may not", () => {
  const stitched = (inputs: Record<string, unknown>) =>
    judged({
      ...blurred(),
      "2": {
        class_type: "ImageStitch",
        inputs: {
          image1: ["1", 0],
          direction: "right",
          match_image_size: true,
          spacing_width: 0,
          spacing_color: "white",
          ...inputs,
        },
      },
    });
  expect(stitched({ image2: null }).problems).toEqual([]);
  expect(stitched({ spacing_width: null }).problems).toMatchObject([
    { type: "invalid_input_type", input: "spacing_width" },
  ]);
});

test("a value that the page has wrapped, so that it is not taken for a link, is unwrapped", () => {
  const text = { class_type: "PrimitiveString", inputs: { value: { __value__: ["a", 0] } } };
  const { problems, nodes } = judged({
    "1": text,
    "2": { class_type: "SaveTextTensor", inputs: { data: ["1", 0] } },
  });
  expect(problems).toEqual([]);
  expect(nodes.get("1")?.values.get("value")).toBe("['a', 0]");
});

test("seeds keep all their 64 bits where the JSON has them", () => {
  const noise = (seed: string): string =>
    `{"1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
      "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": ${seed}, "strength": 1}},
      "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}}`;
  expect(seedOf(noise("18446744073709551615"))).toBe(18446744073709551615n);
  expect(seedOf(noise("9007199254740993"))).toBe(9007199254740993n);
  expect(seedOf(noise("42"))).toBe(42);
  expect(seedOf(noise("18446744073709551616"))).toBeUndefined(); // too large
});

test("a model's parameters are taken as they are, by value or by link", () => {
  const validation = judged({
    "1": { class_type: "LoadTensor", inputs: {} },
    "2": { class_type: "PrimitiveFloat", inputs: { value: 0.5 } },
    "3": {
      class_type: "OnnxModel",
      inputs: {
        model: "EDGES.onnx",
        image: ["1", 0],
        strength: ["2", 0],
        colour: "red",
        at: { __value__: [0.2, 0.8] },
      },
    },
    "4": { class_type: "SaveTensor", inputs: { images: ["3", 0] } },
  });
  expect(validation.problems).toEqual([]);
  const node = validation.nodes.get("3");
  expect(node?.links.get("strength")).toEqual({ node: "2", output: 0 });
  expect(node?.values.get("colour")).toBe("red");
  expect(node?.values.get("at")).toEqual([0.2, 0.8]);
});

test("a vector that is written as a plain list is told the form that it needs", () => {
  const { problems } = judged({
    "3": { class_type: "OnnxModel", inputs: { model: "edges", style: [0, 1, 0] } },
    "4": { class_type: "SaveTensor", inputs: { images: ["3", 0] } },
  });
  expect(problems.map(({ message }) => message)).toEqual([
    'node 3 (OnnxModel): style must be a link [node id, output index], or a list as {"__value__": […]}, got [0,1,0]',
  ]);
});

test("a thousand misspelt names do not hold up the judgement", () => {
  const graph: Record<string, PlainNode> = {};
  for (let at = 0; at < 499; at++) {
    const image = `picture-nmber-${at}-of-teh-holidoy.png`;
    graph[`load${at}`] = { class_type: "LoadImage", inputs: { image } };
    graph[`save${at}`] = SAVE([`load${at}`, 0]);
  }
  const names = Array.from({ length: 240 }, (_, at) => `picture-number-${at}-of-the-holiday.png`);
  const known = { classes: NODE_CLASSES, files: namedFiles({ image: names }) };
  const started = performance.now();
  const { problems } = validate(readGraph(graph), known);
  expect(performance.now() - started).toBeLessThan(500);
  expect(problems).toHaveLength(499);
  expect(problems[0]?.message).toContain("did you mean");
});

test("a chain and a fan as large as a graph may be are judged at once", () => {
  const chain: Record<string, PlainNode> = {
    n0: { class_type: "LoadImage", inputs: { image: "example.png" } },
  };
  for (let i = 1; i < 499; i++) {
    chain[`n${i}`] = { class_type: "ImageInvert", inputs: { image: [`n${i - 1}`, 0] } };
    chain[`s${i}`] = SAVE([`n${i}`, 0]);
  }
  const started = performance.now();
  expect(judged(chain).outputs).toHaveLength(498);
  expect(performance.now() - started).toBeLessThan(1000);
});

/** The seed of node 2; undefined if it was refused. */
function seedOf(json: string): unknown {
  const { nodes } = validate(parseGraph(json), { classes: NODE_CLASSES, files: FILES });
  return nodes.get("2")?.values.get("seed");
}
