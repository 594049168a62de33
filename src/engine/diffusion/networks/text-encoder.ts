/** The text encoder of a diffusion folder: token ids to hidden states and a pooled vector. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { readOnnxSkeleton } from "../../models/onnx-outline.ts";
import type { Tensor } from "../../models/tensor.ts";
import { layerNorm, type NormWeights, type TextFamily, textLayer } from "../text/clip-skip.ts";
import { finalNorm } from "../text/final-norm.ts";
import { Network, numbersFor } from "./network.ts";

/** What one list of token ids is encoded as. */
export interface EncodedTokens {
  /** float32 `[1, tokens, width]` of one layer. */
  readonly hidden: Tensor;
  /** float32 `[1, width]`; null for encoders without it. */
  readonly pooled: Tensor | null;
}

/** Layers in the exports of SD 2.x and SD-Turbo, whose encoder has one more. */
const SHORTENED_LAYERS = 23;

/** Names of outputs that hold the pooled vector: projected encoders have the first. */
const POOLED = ["text_embeds", "pooler_output"];

export class TextEncoder {
  readonly #network: Network;
  readonly #path: string;
  #norm: Promise<NormWeights> | null = null;

  private constructor(network: Network, path: string) {
    this.#network = network;
    this.#path = path;
  }

  /** `path`: of its ONNX file. */
  static async open(path: string, settings: SessionSettings): Promise<TextEncoder> {
    const network = await Network.open(path, settings);
    network.input("input_ids");
    return new TextEncoder(network, path);
  }

  /**
   * Encodes one list of ids, with start, end and padding.
   *
   * @param layer which layer's states: -1 is the last with its norm, -2 the one before it without, as diffusers counts
   */
  async encode(ids: readonly number[], layer = -1): Promise<EncodedTokens> {
    return await this.#encodeTo(ids, this.#layerName(layer));
  }

  /** As `encode`, for the layer that ComfyUI's CLIPSetLastLayer means: see `textLayer`. */
  async encodeLayer(
    ids: readonly number[],
    family: TextFamily,
    stopAt: number,
  ): Promise<EncodedTokens> {
    const layers = this.#layers;
    const { layersLeftOut } = this;
    if (layers === 0 && stopAt !== -1) throw tooFewStates(0, stopAt);
    const { output, needsFinalNorm } = textLayer({ family, layers, layersLeftOut, stopAt });
    const isLast = output === "last_hidden_state" || layers === 0;
    const encoded = await this.#encodeTo(ids, isLast ? this.#layerName(-1) : output);
    if (!needsFinalNorm) return encoded;
    this.#norm ??= readFinalNorm(this.#path);
    const data = (encoded.hidden.data as Float32Array).slice();
    layerNorm(data, await this.#norm);
    return { ...encoded, hidden: { ...encoded.hidden, data } };
  }

  async #encodeTo(ids: readonly number[], hiddenName: string): Promise<EncodedTokens> {
    const input = numbersFor(this.#network.input("input_ids"), [1, ids.length], ids);
    const pooledName = this.#outputNames.find((name) => POOLED.includes(name));
    const wanted = [hiddenName, ...(pooledName === undefined ? [] : [pooledName])];
    const outputs = await this.#network.run({ input_ids: input }, wanted);
    const hidden = outputs[hiddenName];
    if (hidden === undefined) throw new WorkerError("model_failed", `no output ${hiddenName}`);
    return { hidden, pooled: (pooledName && outputs[pooledName]) || null };
  }

  async release(): Promise<void> {
    await this.#network.release();
  }

  /** Last layers that the export left out. */
  get layersLeftOut(): number {
    return this.#layers === SHORTENED_LAYERS ? 1 : 0;
  }

  get #layers(): number {
    return Math.max(0, this.#layerNames.length - 1); // the first are the embeddings
  }

  get #outputNames(): readonly string[] {
    return this.#network.signature.outputs.map(({ name }) => name);
  }

  get #layerNames(): readonly string[] {
    return this.#outputNames.filter((name) => name.startsWith("hidden_states."));
  }

  #layerName(layer: number): string {
    const names = this.#outputNames;
    if (layer === -1) {
      return names.includes("last_hidden_state") ? "last_hidden_state" : (names[0] ?? "");
    }
    const layers = this.#layerNames;
    const name = `hidden_states.${layers.length + layer}`;
    if (layers.includes(name)) return name;
    throw tooFewStates(layers.length, layer);
  }
}

function tooFewStates(states: number, layer: number): WorkerError {
  const problem = `the text encoder was exported with ${states} hidden states; layer ${layer} needs more`;
  return new WorkerError("model_failed", `${problem}: export it with output_hidden_states`);
}

async function readFinalNorm(path: string): Promise<NormWeights> {
  const norm = finalNorm(await readOnnxSkeleton(path, "the text encoder", "model.onnx"));
  if (norm !== null) return norm;
  throw new WorkerError(
    "model_failed",
    "the final layer norm of the text encoder was not found: use its last layer (stop_at_clip_layer -1)",
  );
}
