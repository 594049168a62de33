/**
 * Writes diffusion pipelines with a ControlNet and with the hidden states of the text encoder, of random weights: their
 * pictures mean nothing, but depend on prompt, seed, strength, video and control picture as those of real ones do.
 */
import { join } from "node:path";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";

const WIDTH = 32;
const CHANNELS = 8;
const LATENT = 4;
const TOKENS = 77;
const END = 513;

type Sides = readonly (number | string)[];
const SAMPLE: Sides = ["batch", LATENT, "height", "width"];
const STATES: Sides = ["batch", "tokens", WIDTH];
const FEATURES: Sides = ["batch", CHANNELS, "height", "width"];

/** The parts of a pipeline, as folders have them. */
export interface SteeredParts {
  readonly unet: Uint8Array;
  readonly controlnet: Uint8Array;
  readonly text_encoder: Uint8Array;
  readonly vae_encoder: Uint8Array;
  readonly vae_decoder: Uint8Array;
}

/** Writes the pipeline without its ControlNet, or some parts of it, into a folder. The same each time. */
export async function writeSteeredPipeline(
  folder: string,
  parts: readonly (keyof SteeredParts)[] = [
    ...(["text_encoder", "unet", "vae_encoder", "vae_decoder"] as const),
  ],
): Promise<void> {
  const networks = steeredParts();
  for (const part of parts) await Bun.write(join(folder, part, "model.onnx"), networks[part]);
  await Bun.write(
    join(folder, "model_index.json"),
    JSON.stringify({ _class_name: "StableDiffusionPipeline" }),
  );
  if (parts.includes("unet")) {
    await Bun.write(
      join(folder, "unet/config.json"),
      JSON.stringify({ block_out_channels: [CHANNELS] }),
    );
    await Bun.write(
      join(folder, "scheduler/scheduler_config.json"),
      JSON.stringify({ _class_name: "EulerDiscreteScheduler", timestep_spacing: "trailing" }),
    );
  }
  if (parts.includes("vae_decoder")) {
    await Bun.write(join(folder, "vae_decoder/config.json"), JSON.stringify({}));
  }
  if (parts.includes("text_encoder")) await writeTokenizer(join(folder, "tokenizer"));
}

export function steeredParts(): SteeredParts {
  return {
    unet: unet(),
    controlnet: controlNet(),
    text_encoder: textEncoder(),
    vae_encoder: vaeEncoder(),
    vae_decoder: vaeDecoder(),
  };
}

/** Every byte is a token: no pairs. */
async function writeTokenizer(folder: string): Promise<void> {
  let next = 256;
  const bytes = Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
  const special = ["<|startoftext|>", "<|endoftext|>"];
  const spellings = [...bytes, ...bytes.map((byte) => `${byte}</w>`), ...special];
  const vocabulary = Object.fromEntries(spellings.map((spelling, id) => [spelling, id]));
  await Bun.write(join(folder, "vocab.json"), JSON.stringify(vocabulary));
  await Bun.write(join(folder, "merges.txt"), "#version: 0.2\n");
  const config = { bos_token: special[0], eos_token: special[1], model_max_length: TOKENS };
  await Bun.write(join(folder, "tokenizer_config.json"), JSON.stringify(config));
}

function textEncoder(): Uint8Array {
  const make = new Weights(1);
  const graph = make.graph;
  const ids = graph.input("input_ids", "int32", ["batch", "tokens"]);
  const embedded = graph.node("Gather", [make.matrix(END + 1, WIDTH, 1), ids]);
  const states = [embedded];
  for (let layer = 0; layer < 2; layer++) {
    const before = states[layer] as Value;
    // Each token's mean with all others stands for attention.
    const mean = graph.node("ReduceMean", [before], { axes: [1n], keepdims: 1n });
    const mixed = graph.node("MatMul", [graph.node("Add", [before, mean]), make.matrix(WIDTH)]);
    states.push(graph.node("Add", [before, graph.node("Tanh", [mixed])]));
  }
  const last = graph.node("LayerNormalization", [
    states.at(-1) as Value,
    graph.constant("float32", [WIDTH], new Array(WIDTH).fill(1)),
    graph.constant("float32", [WIDTH], new Array(WIDTH).fill(0)),
  ]);
  graph.output("last_hidden_state", last, "float32", STATES);
  const pooled = graph.node("ReduceMean", [last], { axes: [1n], keepdims: 0n });
  graph.output("pooler_output", pooled, "float32", ["batch", WIDTH]);
  for (const [layer, state] of states.entries()) {
    graph.output(`hidden_states.${layer}`, state, "float32", STATES);
  }
  return graph.build("text_encoder");
}

/** What the denoiser and the ControlNet begin with: the sample, the prompt and the time as features. */
function firstFeatures(make: Weights): Value {
  const { graph } = make;
  const sample = graph.input("sample", "float32", SAMPLE);
  const timestep = graph.input("timestep", "int64", ["steps"]);
  const states = graph.input("encoder_hidden_states", "float32", STATES);
  const prompt = graph.node("ReduceMean", [states], { axes: [1n], keepdims: 0n });
  const wanted = graph.node("MatMul", [prompt, make.matrix(WIDTH, CHANNELS, 2)]);
  const time = graph.node("Mul", [
    graph.cast(timestep, "float32"),
    graph.constant("float32", [1], [0.003]),
  ]);
  const phase = graph.node("Sin", [graph.node("Add", [wanted, time])]);
  const spread = graph.unsqueeze(graph.unsqueeze(phase, 2), 3);
  return graph.node("Add", [make.conv(sample, LATENT, CHANNELS), spread]);
}

function unet(): Uint8Array {
  const make = new Weights(2);
  const { graph } = make;
  const first = firstFeatures(make);
  const residual = (name: string) => graph.input(name, "float32", FEATURES);
  const mid = residual("mid_block_additional_residual");
  const down = [0, 1].map((at) => residual(`down_block_additional_residuals.${at}`));
  let features = first;
  for (const each of [...down, mid]) {
    const convolved = graph.node("Tanh", [make.conv(features, CHANNELS, CHANNELS)]);
    features = graph.node("Add", [convolved, each]);
  }
  // Mostly the noise itself, as a trained denoiser predicts it.
  const own = graph.node("Mul", ["sample" as Value, graph.constant("float32", [1], [0.9])]);
  const predicted = graph.node("Add", [own, make.conv(features, CHANNELS, LATENT)]);
  graph.output("out_sample", predicted, "float32", SAMPLE);
  return graph.build("unet");
}

function controlNet(): Uint8Array {
  const make = new Weights(3);
  const { graph } = make;
  const features = firstFeatures(make);
  const hint = graph.input("controlnet_cond", "float32", ["batch", 3, "ih", "iw"]);
  const scale = graph.input("conditioning_scale", "float32", []);
  const small = graph.node("AveragePool", [hint], { kernel_shape: [8n, 8n], strides: [8n, 8n] });
  const steered = graph.node("Add", [features, make.conv(small, 3, CHANNELS)]);
  const names = ["down_block_res_samples.0", "down_block_res_samples.1", "mid_block_res_sample"];
  for (const name of names) {
    const scaled = graph.node("Mul", [make.conv(steered, CHANNELS, CHANNELS), scale]);
    graph.output(name, scaled, "float32", FEATURES);
  }
  return graph.build("controlnet");
}

function vaeEncoder(): Uint8Array {
  const make = new Weights(4);
  const { graph } = make;
  const sample = graph.input("sample", "float32", ["batch", 3, "height", "width"]);
  const small = graph.node("AveragePool", [sample], { kernel_shape: [8n, 8n], strides: [8n, 8n] });
  const parameters = make.conv(small, 3, 2 * LATENT, 3);
  graph.output("latent_parameters", parameters, "float32", ["batch", 2 * LATENT, "h", "w"]);
  return graph.build("vae_encoder");
}

function vaeDecoder(): Uint8Array {
  const make = new Weights(5);
  const { graph } = make;
  const latent = graph.input("latent_sample", "float32", SAMPLE);
  const colours = graph.node("Tanh", [make.conv(latent, LATENT, 3, 0.3)]);
  const scales = graph.constant("float32", [4], [1, 1, 8, 8]);
  const large = graph.node("Resize", [colours, "" as Value, scales], { mode: "linear" });
  graph.output("sample", large, "float32", ["batch", 3, "H", "W"]);
  return graph.build("vae_decoder");
}

/** A graph, and weights for it that are always the same. */
class Weights {
  readonly graph = new GraphBuilder();
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2654435761;
  }

  /** Values in −1 to 1, times `scale / √rows`. */
  matrix(rows: number, columns = rows, scale = 1): Value {
    return this.#constant([rows, columns], scale / Math.sqrt(rows));
  }

  /** A convolution of 3 × 3. */
  conv(from: Value, inputs: number, outputs: number, scale = 1): Value {
    const kernel = this.#constant([outputs, inputs, 3, 3], scale / Math.sqrt(inputs * 9));
    return this.graph.node("Conv", [from, kernel], { pads: [1n, 1n, 1n, 1n] });
  }

  #constant(dims: readonly number[], scale: number): Value {
    const count = dims.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length: count }, () => this.#next() * scale);
    return this.graph.constant("float32", dims, values);
  }

  /** Numerical Recipes' generator. */
  #next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 31 - 1;
  }
}
