/** What callers get wrong in graphs is a 400 that names the node and the way out, also where only the run can see it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { OnnxWorkspace, simpleModel } from "../support/onnx-workspace.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

type Nodes = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

const node = (class_type: string, inputs: Record<string, unknown> = {}) => ({
  class_type,
  inputs,
});
const text = (clip: string) => node("CLIPTextEncode", { text: "a fox", clip: [clip, 1] });

/** ComfyUI's default graph with few steps, on a pipeline of this name. */
const drawn = (ckpt_name = "sd"): Nodes => ({
  "3": node("KSampler", {
    seed: 1,
    steps: 1,
    cfg: 1,
    sampler_name: "euler",
    scheduler: "normal",
    denoise: 1,
    model: ["4", 0],
    positive: ["6", 0],
    negative: ["7", 0],
    latent_image: ["5", 0],
  }),
  "4": node("CheckpointLoaderSimple", { ckpt_name }),
  "5": node("EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }),
  "6": text("4"),
  "7": text("4"),
  "8": node("VAEDecode", { samples: ["3", 0], vae: ["4", 2] }),
  "9": node("PreviewImage", { images: ["8", 0] }),
});

/** The graph with other inputs, by `node.input`, and more nodes. */
function changed(inputs: Record<string, unknown>, more: Nodes = {}, from = drawn()): Nodes {
  const graph = structuredClone({ ...from, ...more });
  for (const [place, value] of Object.entries(inputs)) {
    const [id = "", input = ""] = place.split(".");
    Object.assign(graph[id]?.inputs ?? {}, { [input]: value });
  }
  return graph;
}

const area = { conditioning: ["6", 0], width: 64, height: 64, x: 16384, y: 16384, strength: 1 };
const load = (className: string, input: string, name: string) => node(className, { [input]: name });

let workspace: OnnxWorkspace;
let server: ServerProcess;
const golden = sharedData("golden");

beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  const folder = (name: string) => join(workspace.path, "models", name);
  await writePipeline(folder("sd"));
  await writePipeline(folder("wide"), { denoiser: { embedding: 12 } });
  await cp(join(folder("sd"), "vae_encoder"), join(folder("half"), "vae_encoder"), {
    recursive: true,
  });
  const picture = [1, 3, "h", "w"];
  await workspace.add(
    "filter",
    {},
    simpleModel("float32", picture, (graph, x) => graph.node("Neg", [x])),
  );
  await Bun.write(join(folder("bare"), "model.onnx"), "no model");
  if (golden !== null) {
    await cp(`${golden}/pipeline/tiny-sd`, folder("tiny-sd"), { recursive: true });
    await cp(`${golden}/pipeline-xl/tiny-xl`, folder("tiny-xl"), { recursive: true });
    await cp(`${golden}/pipeline-control/tiny-control`, folder("tiny-control"), {
      recursive: true,
    });
  }
  server = await startServer(MAIN, ["--workspace", workspace.path]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

async function ask(body: object | string) {
  const response = await fetch(`${server.url}/c/comfystream-image`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return { status: response.status, answer: (await response.json()) as any };
}

async function expectRefusal(graph: Nodes, at: string, message: string): Promise<void> {
  const { status, answer } = await ask({ prompts: graph });
  expect(answer).toMatchObject({ code: "invalid_request" });
  expect(status).toBe(400);
  expect(answer.message).toContain(message);
  expect(answer.message).not.toMatch(/Got: \d+|Non-zero status|onnxruntime/i);
  expect(answer.details[0]).toMatchObject({ node: at, class_type: graph[at]?.class_type });
}

const REFUSED: readonly [what: string, at: string, graph: Nodes, message: string][] = [
  ["a network as a checkpoint", "4", drawn("filter"), "is a single network, not a pipeline"],
  ["a half VAE as a checkpoint", "4", drawn("half"), "has no unet/model.onnx"],
  [
    "a pipeline without a ControlNet as one",
    "c",
    changed(
      { "3.positive": ["a", 0] },
      {
        a: node("ControlNetApply", {
          conditioning: ["6", 0],
          control_net: ["c", 0],
          image: ["i", 0],
          strength: 1,
        }),
        c: load("ControlNetLoader", "control_net_name", "sd"),
        i: node("EmptyImage", { width: 64, height: 64, batch_size: 1, color: 0 }),
      },
    ),
    "has no controlnet/model.onnx",
  ],
  [
    "a folder that is no model in OnnxModel",
    "m",
    changed({ "9.images": ["m", 0] }, { m: node("OnnxModel", { model: "bare", image: ["8", 0] }) }),
    "cannot be used",
  ],
  [
    "a VAE without the half that is needed",
    "8",
    changed({ "8.vae": ["v", 0] }, { v: load("VAELoader", "vae_name", "half") }),
    "has no decoder",
  ],
  [
    "a UNet of another width than the text encoder",
    "3",
    changed({ "4.ckpt_name": "wide" }),
    "the text encoder makes vectors of 8 numbers, and the model takes 12: load the CLIP",
  ],
  ["a weight that is no number", "6", changed({ "6.text": "(a fox:nan)" }), "the weight NaN"],
  ["a weight beyond all bounds", "6", changed({ "6.text": "(a fox:1e999)" }), "weight Infinity"],
  [
    "a weight of thousands of parentheses",
    "6",
    changed({ "6.text": `${"(".repeat(9000)}fox${")".repeat(9000)}` }),
    "nest fewer parentheses",
  ],
  [
    "a beta schedule without a shape",
    "s",
    changed(
      { "9.images": ["d", 0] },
      {
        s: node("BetaSamplingScheduler", { model: ["4", 0], steps: 2, alpha: 0, beta: 0 }),
        c: node("SamplerCustom", {
          model: ["4", 0],
          add_noise: true,
          noise_seed: 1,
          cfg: 1,
          sigmas: ["s", 0],
          positive: ["6", 0],
          negative: ["7", 0],
          sampler: ["k", 0],
          latent_image: ["5", 0],
        }),
        k: node("KSamplerSelect", { sampler_name: "euler" }),
        d: node("VAEDecode", { samples: ["c", 0], vae: ["4", 2] }),
      },
    ),
    "alpha is 0 and beta 0",
  ],
  ["a denoise of almost nothing", "3", changed({ "3.denoise": 1e-9 }), "raise denoise"],
  [
    "an area outside of the picture",
    "3",
    changed({ "3.positive": ["a", 0] }, { a: node("ConditioningSetArea", area) }),
    "outside of the picture of 64x64 pixels",
  ],
];

test.each(REFUSED)("%s", async (_, at, graph, message) => {
  await expectRefusal(graph, at, message);
});

test.each<[string, (json: string) => string, string]>([
  ["a comma too many", (json) => json.replace(/\}$/, ",}"), "remove the comma"],
  ["Python's NaN", (json) => json.replace('"cfg":1', '"cfg":NaN'), "JSON has no NaN"],
  ["an end that is missing", (json) => json.slice(0, -1), "a } is missing"],
])("a graph as text with %s is no prompt in words", async (_, damage, reason) => {
  const json = JSON.stringify(drawn());
  for (const body of [{ prompts: damage(json) }, { prompts: [{ prompt: damage(json) }] }]) {
    const { status, answer } = await ask(body);
    expect(status).toBe(400);
    expect(answer.message).toStartWith("prompts holds a graph that is not valid JSON: line 1, ");
    expect(answer.message).toContain(reason);
  }
  const { status, answer } = await ask(`{"prompts": ${damage(json)}`);
  expect(status).toBe(400);
  expect(answer.message).toStartWith("the body is not valid JSON: line 1, ");
});

test.each([
  ["in the body", (text: string) => JSON.stringify({ prompts: drawn() }).replace('"a fox"', text)],
  [
    "in text",
    (text: string) => {
      return JSON.stringify({ prompts: JSON.stringify(drawn()).replace('"a fox"', text) });
    },
  ],
])("a value that nests without end is refused %s", async (_, bodyWith) => {
  const { status, answer } = await ask(bodyWith("[".repeat(50_000) + "]".repeat(50_000)));
  expect(status).toBe(400);
  expect(answer).toMatchObject({ code: "invalid_request" });
  expect(answer.message).toContain("nests deeper than 100 levels");
});

test("menus and messages name the folders that a loader can use, and no others", async () => {
  const response = await fetch(`${server.url}/nodes`);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  const nodes = (await response.clone().json()) as any;
  expect(await response.text()).toContain('"max":18446744073709551615');
  const menu = (name: string, input: string): string[] =>
    nodes[name].input.required[input][0].filter((one: string) => !one.startsWith("tiny-"));
  expect(menu("CheckpointLoaderSimple", "ckpt_name")).toEqual(["sd", "wide"]);
  expect(menu("UNETLoader", "unet_name")).toEqual(["sd", "wide"]);
  expect(menu("CLIPLoader", "clip_name")).toEqual(["sd", "wide"]);
  expect(menu("VAELoader", "vae_name")).toEqual(["half", "sd", "wide"]);
  expect(menu("ControlNetLoader", "control_net_name")).toEqual([]);
  expect(menu("OnnxModel", "model")).toContain("filter");
  for (const name of ["sd", "half", "bare"]) {
    expect(menu("OnnxModel", "model")).not.toContain(name);
  }
  const { answer } = await ask({ prompts: drawn("nope") });
  expect(answer.message).toContain("there is no such checkpoint");
  expect(answer.message).not.toContain("filter");
});

describe.skipIf(golden === null)("with networks of other families (../shared/data/golden)", () => {
  test.each<[string, string, Nodes, string]>([
    [
      "SDXL's text encoders for an SD model",
      "3",
      changed(
        { "6.clip": ["x", 0], "7.clip": ["x", 0] },
        { x: node("CLIPLoader", { clip_name: "tiny-xl", type: "stable_diffusion" }) },
        drawn("tiny-sd"),
      ),
      "load the CLIP that belongs to the model",
    ],
    [
      "SD's text encoder for an SDXL model",
      "3",
      changed(
        { "6.clip": ["x", 0], "7.clip": ["x", 0] },
        { x: node("CLIPLoader", { clip_name: "tiny-sd", type: "stable_diffusion" }) },
        drawn("tiny-xl"),
      ),
      "load the CLIP that belongs to the model",
    ],
    [
      "a ControlNet for a model without residuals",
      "3",
      changed(
        { "3.positive": ["a", 0] },
        {
          a: node("ControlNetApply", {
            conditioning: ["6", 0],
            control_net: ["c", 0],
            image: ["i", 0],
            strength: 1,
          }),
          c: load("ControlNetLoader", "control_net_name", "tiny-control"),
          i: node("EmptyImage", { width: 64, height: 64, batch_size: 1, color: 0 }),
        },
        drawn("tiny-sd"),
      ),
      "takes no residuals of ControlNets",
    ],
    [
      "a size that the model cannot halve",
      "3",
      changed({ "5.width": 72, "5.height": 40 }, {}, drawn("tiny-sd")),
      "of 72x40 pixels: give sides that the network can halve, such as all multiples of 64",
    ],
  ])("%s", async (_, at, graph, message) => {
    await expectRefusal(graph, at, message);
  });
});
