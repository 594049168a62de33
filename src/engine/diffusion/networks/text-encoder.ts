/** The text encoder of a diffusion folder: token ids to hidden states and a pooled vector. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import type { Tensor } from "../../models/tensor.ts";
import { Network, numbersFor } from "./network.ts";

/** What one list of token ids is encoded as. */
export interface EncodedTokens {
  /** float32 `[1, tokens, width]` of one layer. */
  readonly hidden: Tensor;
  /** float32 `[1, width]`; null for encoders without it. */
  readonly pooled: Tensor | null;
}

/** Names of outputs that hold the pooled vector: projected encoders have the first. */
const POOLED = ["text_embeds", "pooler_output"];

export class TextEncoder {
  readonly #network: Network;

  private constructor(network: Network) {
    this.#network = network;
  }

  /** `path`: of its ONNX file. */
  static async open(path: string, settings: SessionSettings): Promise<TextEncoder> {
    const network = await Network.open(path, settings);
    network.input("input_ids");
    return new TextEncoder(network);
  }

  /**
   * Encodes one list of ids, with start, end and padding.
   *
   * @param layer which layer's states: -1 is the last with its norm, -2 the one before it without, as diffusers counts
   */
  async encode(ids: readonly number[], layer = -1): Promise<EncodedTokens> {
    const input = numbersFor(this.#network.input("input_ids"), [1, ids.length], ids);
    const hiddenName = this.#layerName(layer);
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

  get #outputNames(): readonly string[] {
    return this.#network.signature.outputs.map(({ name }) => name);
  }

  #layerName(layer: number): string {
    const names = this.#outputNames;
    if (layer === -1) {
      return names.includes("last_hidden_state") ? "last_hidden_state" : (names[0] ?? "");
    }
    const layers = names.filter((name) => name.startsWith("hidden_states."));
    const name = `hidden_states.${layers.length + layer}`;
    if (layers.includes(name)) return name;
    const problem = `the text encoder was exported with ${layers.length} hidden states; layer ${layer} needs more`;
    throw new WorkerError("model_failed", `${problem}: export it with output_hidden_states`);
  }
}
