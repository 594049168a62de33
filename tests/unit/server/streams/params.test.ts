import { expect, test } from "bun:test";
import type { ModelInfo } from "../../../../src/engine/protocol/models.ts";
import type { StreamParams } from "../../../../src/engine/protocol/work.ts";
import { WorkerError } from "../../../../src/errors.ts";
import { INPUT_DEFAULTS, updatedParams } from "../../../../src/server/streams/params.ts";

const model = (name: string, params: ModelInfo["params"] = []): ModelInfo => ({
  name,
  description: "",
  source: "built-in",
  state: "ready",
  license: "",
  takes_video: true,
  needs_video: true,
  takes_prompts: true,
  device: "cpu",
  params,
  presets: {},
  data: [],
});
const number = {
  type: "number",
  default: 1,
  min: 0,
  max: 2,
  integer: false,
  description: "",
} as const;
const models = [
  model("identity"),
  model("restyle"),
  model("dreamscape"),
  model("edges", [
    { name: "strength", ...number },
    { name: "steps", ...number, max: 50, integer: true },
  ]),
];
models.push(model("comfyui"));
models.push(model("whole", [{ ...number, name: "strength", integer: true }]));
const defaults = { ...INPUT_DEFAULTS, size: { width: 512, height: 512 } };
const running: StreamParams = {
  ...defaults,
  prompts: [{ prompt: "a cat" }],
  model: "edges",
  fps: 10,
  bitrate: 1_000_000,
  model_params: { strength: 0.5 },
};

const update = (body: unknown, current = running) => updatedParams(body, current, defaults, models);

test("absent fields keep their values", () => {
  const { params, ignored } = update({});
  expect({ params, ignored }).toEqual({ params: running, ignored: [] });
});

test("a fallback is shown from the request that asks for it until one that resets it", () => {
  const { params } = update({ fallback: "hold" });
  expect(params.fallback).toBe("hold");
  expect(update({ fps: 12 }, params).params.fallback).toBe("hold");
  expect(update({ fallback: null }, params).params).toEqual(running);
  const live = { ...defaults, fallback: "default" };
  expect(updatedParams({ fallback: null }, params, live, models).params.fallback).toBe("default");
  for (const fallback of ["", "n".repeat(65), 3]) {
    expect(() => update({ fallback })).toThrow(
      "fallback must be one of default, passthrough, hold",
    );
  }
});

test("a marker is drawn from the request that asks for it until one that resets it", () => {
  const { params } = update({ marker: "time" });
  expect(params.marker).toBe("time");
  expect(update({ fps: 12 }, params).params.marker).toBe("time");
  expect(update({ marker: null }, params).params).toEqual(running);
  expect(() => update({ marker: true })).toThrow(/marker.*none, time, input/);
});

test("present fields replace, null resets to the default", () => {
  const { params } = update({ fps: null, bitrate: null, model: null, width: 640, height: 360 });
  expect(params).toEqual({
    ...defaults,
    prompts: [{ prompt: "a cat" }],
    size: { width: 640, height: 360 },
  });
});

test("null resets both sides of the size, whether one is given or both", () => {
  const sized = { ...defaults, size: { width: 640, height: 360 } };
  for (const fields of [{ width: null }, { height: null }, { width: null, height: null }])
    expect(update(fields, sized).params.size).toEqual(defaults.size);
  expect(() => update({ width: null, height: 360 }, sized)).toThrow(/width must be given together/);
});

test("aliases are accepted, and a prompt may be a single text", () => {
  const { params } = update({ prompt: "a dog", max_framerate: 5 });
  expect(params).toMatchObject({ prompts: [{ prompt: "a dog" }], fps: 5 });
});

test("a model's own parameters are taken, those of another model are named as ignored", () => {
  const { params, ignored } = update({ strength: 2, guidance: 7, colour: "red" });
  expect(params.model_params).toEqual({ strength: 2 });
  expect(ignored).toEqual(["guidance", "colour"]);
});

test("a prompt keeps its own members and no others", () => {
  const { params } = update({ prompts: [{ prompt: "a", weight: 2, note: "x".repeat(1000) }] });
  expect(params.prompts).toEqual([{ prompt: "a", weight: 2 }]);
});

test("a change of model drops parameters that the new one does not take", () => {
  expect(update({ model: "identity" }).params.model_params).toEqual({});
  // It has a parameter of that name, which wants an integer.
  expect(update({ model: "whole" }).params.model_params).toEqual({});
});

test.each([[5], ["{"], ["5"], [true]])("an update wrapped in params %j names params", (params) => {
  expect(() => update({ params })).toThrow(
    `params must be an object, or JSON text of one, got ${JSON.stringify(params)}`,
  );
});

test("an update wrapped in params, also as text, is unwrapped", () => {
  expect(update({ params: { fps: 7 } }).params.fps).toBe(7);
  expect(update({ params: '{"fps": 8}' }).params.fps).toBe(8);
});

test("a list is no graph", () => {
  expect(() => update({ prompts: { graph: "[1]" } })).toThrow(
    "must be a graph, an object of nodes by id; got",
  );
});

const GRAPH = { "1": { class_type: "LoadImage", inputs: {} } };
const TEXT = JSON.stringify(GRAPH);

test("a graph takes the place of prompts and brings its model; texts bring back the default one", () => {
  const graphs = update({ prompts: GRAPH }).params;
  expect(graphs).toMatchObject({ prompts: [], graphs: [TEXT], model: "comfyui" });
  expect(update({ prompts: [TEXT, GRAPH], model: "comfyui" }).params.graphs).toEqual([TEXT, TEXT]);
  const texts = update({ prompts: "a cat" }, graphs).params;
  expect(texts).toMatchObject({ prompts: [{ prompt: "a cat" }], model: "restyle" });
  expect(texts.graphs).toBeUndefined();
});

test.each([[null], [0], [{}], [["a"]]])(
  "a member graph of a text that is %j means nothing",
  (graph) => {
    const { params, ignored } = update({ prompts: [{ prompt: "a cat", graph }, "a dog"] });
    expect(params.prompts).toEqual([{ prompt: "a cat" }, { prompt: "a dog" }]);
    expect(params.graphs).toBeUndefined();
    expect(ignored).toEqual(["prompts.0.graph"]);
  },
);

test.each<[object, string[]]>([
  [{ prompts: { prompt: GRAPH, weight: 2 } }, ["prompts.weight"]],
  [{ prompt: [{ prompt: GRAPH, client_id: "x" }, TEXT] }, ["prompt.0.client_id"]],
  [{ prompts: [{ prompt: "a cat", weigth: 2 }, "a dog"] }, ["prompts.0.weigth"]],
  [{ prompts: [{ prompt: "a cat", weight: 2, negative_prompt: "" }] }, []],
  [{ prompts: "a cat", prompt: "a dog", fps: 5, max_framerate: 6 }, ["prompt", "max_framerate"]],
])("what %j says without effect is named as ignored", (fields, names) => {
  expect(update(fields).ignored).toEqual(names);
});

test.each([{}, [{}], { text: "a cat" }].map((prompts) => ({ prompts })))(
  "%p may have been meant as a graph, and is told what its nodes lack",
  (body) => {
    expect(() => update(body)).toThrow("or a ComfyUI graph, whose nodes have class_type");
  },
);

test("another model ends graphs, and nothing else does", () => {
  const graphs = update({ prompts: GRAPH }).params;
  const next = (fields: object) => update(fields, graphs).params;
  expect(next({ fps: 5 })).toMatchObject({ graphs: [TEXT], model: "comfyui" });
  const other = next({ model: "identity" });
  expect(other).toMatchObject({ model: "identity" });
  expect(other.graphs).toBeUndefined();
});

test.each([
  [{ width: 640 }, "height"],
  [{ width: 641, height: 360 }, "width"],
  [{ width: 62, height: 360 }, "width"],
  [{ width: 4098, height: 360 }, "width"],
  [{ width: "640", height: 360 }, "width"],
  [{ fps: 0 }, "fps"],
  [{ fps: 61 }, "fps"],
  [{ max_framerate: "fast" }, "max_framerate"],
  [{ fit: "squeeze" }, "fit"],
  [{ bitrate: -1 }, "bitrate"],
  [{ paused: "yes" }, "paused"],
  [{ prompts: 5 }, "prompts"],
  [{ prompts: [{ text: "x" }] }, "prompts.0.prompt"],
  [{ prompts: [] }, "prompts"],
  [{ prompts: ["a", ""] }, "prompts.1"],
  [{ prompts: [{ prompt: "a" }, { prompt: "b", weight: "c" }] }, "prompts.1.weight"],
  [{ prompt: { prompt: "x", negative_prompt: "y".repeat(10_001) } }, "prompt.negative_prompt"],
  [{ prompts: ["a", '{"1": {"class_type": "LoadImage"}}'] }, "prompts"],
  [{ prompt: [{ class_type: { class_type: "LoadImage" } }, "a"] }, "prompt"],
  [{ prompts: Array.from({ length: 65 }, () => GRAPH) }, "prompts"],
  [{ prompts: [{ graph: `{"1": "${"x".repeat(256 * 1024)}"}` }] }, "prompts"],
  [{ prompts: [{ graph: "{" }] }, "prompts"],
  [{ prompts: [{ graph: "5" }] }, "prompts"],
  [{ prompts: [{ graph: "{}" }, "a cat"] }, "prompts"],
  [{ prompts: GRAPH, model: "restyle" }, "model"],
  [{ model: "comfyui" }, "prompts"],
  [{ prompts: Array.from({ length: 65 }, () => "a") }, "prompts"],
  [{ strength: 3 }, "strength"],
  [{ strength: "strong" }, "strength"],
  [{ steps: 1.5 }, "steps"],
  [{ model: 7 }, "model"],
  [{ model: "nothing" }, "model"],
  [{ container: "mpegts" }, "container"],
  [{ segment_seconds: 2 }, "segment_seconds"],
  [{ audio_codec: "aac" }, "audio_codec"],
  [{ input_url: null }, "input_url"],
  [{ stream_url: "http://x" }, "stream_url"],
  [[], "body"],
  ["fps=5", "body"],
  [null, "body"],
])("%j is refused, naming %s", (body, field) => {
  const error = thrown(() => update(body));
  expect(error.details.map((one) => one.field)).toContain(field);
  expect(error.message).toContain(field);
});

test("prompts may have 256 KiB of UTF-8 in all, negative ones counted", () => {
  const of = (bytes: number) => {
    const whole = Array.from({ length: Math.floor(bytes / 8192) }, () => ({
      prompt: "é".repeat(2048),
      negative_prompt: "x".repeat(4096),
    }));
    return bytes % 8192 === 0 ? whole : [...whole, { prompt: "x".repeat(bytes % 8192) }];
  };
  expect(update({ prompts: of(262_144) }).params.prompts).toHaveLength(32);
  const error = thrown(() => update({ prompt: of(262_145) }));
  expect(error.message).toBe("prompt must be at most 262144 bytes of UTF-8 in all, got 262145");
});

test("several bad fields are named at once", () => {
  const error = thrown(() => update({ fps: 0, fit: 1, bitrate: "x" }));
  expect(error.details.map((one) => one.field)).toEqual(["fps", "fit", "bitrate"]);
});

function thrown(run: () => unknown): WorkerError {
  try {
    run();
  } catch (error) {
    if (error instanceof WorkerError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
