/** Writes diffusion pipelines of a few operators, in the folders and files that Optimum exports. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";
import { type DenoiserForm, denoiserGraph, EMBEDDING } from "./denoiser-graph.ts";
import { withWeightsIn } from "./onnx-files.ts";
import { SAMPLE_VOCABULARY } from "./sample-vocabulary.ts";

export interface PipelineForm {
  readonly denoiser?: DenoiserForm;
  /** Blocks of the denoiser: each but the first halves its latents. */
  readonly blocks?: number;
  readonly floats?: "float32" | "float16";
  readonly inputIds?: "int32" | "int64";
  /** What the VAE encoder gives: mean and variance, or the latent itself as an `AutoencoderTiny` does. */
  readonly encoder?: "distribution" | "latent" | "none";
  readonly scheduler?: Readonly<Record<string, unknown>>;
  /** Sides of a latent, in the VAE decoder. */
  readonly decoderSides?: readonly [number | string, number | string];
  /** Where the numbers of the encoder and the denoiser lie: in their ONNX files, or in `model.onnx_data` beside. */
  readonly weights?: "inside" | "outside";
}

const SCHEDULER = {
  _class_name: "EulerDiscreteScheduler",
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  prediction_type: "epsilon",
  timestep_spacing: "trailing",
};

/** Writes the pipeline to `folder`, which is made. */
export async function writePipeline(folder: string, form: PipelineForm = {}): Promise<void> {
  const { floats = "float32", encoder = "distribution", blocks = 1 } = form;
  const json = (name: string, content: unknown) =>
    Bun.write(join(folder, name), JSON.stringify(content));
  await mkdir(folder, { recursive: true });
  await json("model_index.json", { _class_name: "StableDiffusionPipeline" });
  await json("scheduler/scheduler_config.json", { ...SCHEDULER, ...form.scheduler });
  await json("unet/config.json", { block_out_channels: new Array(blocks).fill(8) });
  await json("vae_decoder/config.json", { scaling_factor: 1 });
  const { ids, merges } = SAMPLE_VOCABULARY;
  await json("tokenizer/vocab.json", ids);
  await Bun.write(join(folder, "tokenizer/merges.txt"), merges.join("\n"));
  const network = async (part: string, bytes: Uint8Array): Promise<void> => {
    const path = join(folder, part, "model.onnx");
    // What shapes depend on, such as the scale of the VAE's Resize, must lie inside.
    const isOutside = form.weights === "outside" && !part.startsWith("vae");
    const { model, weights } = isOutside
      ? withWeightsIn("model.onnx_data", bytes)
      : { model: bytes };
    await Bun.write(path, model);
    if (weights !== undefined) await Bun.write(`${path}_data`, weights);
  };
  await network("text_encoder", textEncoder(floats, form.inputIds ?? "int32"));
  await network("unet", denoiserGraph({ floats, ...form.denoiser }));
  await network("vae_decoder", vaeDecoder(floats, form.decoderSides));
  if (encoder !== "none") await network("vae_encoder", vaeEncoder(floats, encoder));
}

/** The id of the token that ends and pads texts. */
const PADDING = 49407;

/** Embeddings are sines of the token's id, large ones, and 0 for the padding. */
function textEncoder(floats: "float32" | "float16", dtype: "int32" | "int64"): Uint8Array {
  const graph = new GraphBuilder();
  const ids = graph.input("input_ids", dtype, ["batch_size", "sequence_length"]);
  const factors = Array.from({ length: EMBEDDING }, (_, at) => at + 1);
  const distance = graph.node("Sub", [
    graph.cast(ids, "float32"),
    graph.constant("float32", [], [PADDING]),
  ]);
  const angles = graph.node("Mul", [
    graph.unsqueeze(distance, 2),
    graph.constant("float32", [1, 1, EMBEDDING], factors),
  ]);
  const waves = graph.node("Mul", [
    graph.node("Sin", [angles]),
    graph.constant("float32", [], [20]),
  ]);
  const hidden = graph.cast(waves, floats);
  const dims = ["batch_size", "sequence_length", EMBEDDING];
  graph.output("last_hidden_state", hidden, floats, dims);
  return graph.build("text encoder");
}

/** A place of a latent is the mean of 8 x 8 pixels; its fourth channel is 0. */
function vaeEncoder(floats: "float32" | "float16", kind: "distribution" | "latent"): Uint8Array {
  const graph = new GraphBuilder();
  const sample = graph.input("sample", floats, ["batch_size", 3, "height", "width"]);
  const sides = { kernel_shape: [8n, 8n], strides: [8n, 8n] };
  const mean = graph.node("AveragePool", [sample], sides);
  const one = graph.node("Slice", [mean, int(graph, 0), int(graph, 1), int(graph, 1)]);
  const zero = graph.node("Sub", [one, one]);
  const parts = kind === "latent" ? [mean, zero] : [mean, zero, zero, zero, zero, zero];
  const latent = graph.node("Concat", parts, { axis: 1n });
  const channels = kind === "latent" ? 4 : 8;
  const name = kind === "latent" ? "latents" : "latent_parameters";
  graph.output(name, latent, floats, ["batch_size", channels, "latent_height", "latent_width"]);
  return graph.build("VAE encoder");
}

/** Pixels are the hyperbolic tangents of the first three channels. */
function vaeDecoder(
  floats: "float32" | "float16",
  sides: PipelineForm["decoderSides"] = ["latent_height", "latent_width"],
): Uint8Array {
  const graph = new GraphBuilder();
  const dims = ["batch_size", 4, ...sides];
  const latent = graph.input("latent_sample", floats, dims);
  const three = graph.node("Slice", [latent, int(graph, 0), int(graph, 3), int(graph, 1)]);
  const absent = "" as Value;
  const scales = graph.constant("float32", [4], [1, 1, 8, 8]);
  const large = graph.node("Resize", [graph.cast(three, "float32"), absent, scales], {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "asymmetric",
  });
  const pixels = graph.cast(graph.node("Tanh", [large]), floats);
  graph.output("sample", pixels, floats, ["batch_size", 3, "height", "width"]);
  return graph.build("VAE decoder");
}

const int = (graph: GraphBuilder, value: number): Value => graph.constant("int64", [1], [value]);
