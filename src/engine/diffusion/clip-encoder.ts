/** Encodes texts with one CLIP text encoder and its tokenizer, chunk by chunk. Used in workers. */
import { join } from "node:path";
import { WorkerError } from "../../errors.ts";
import type { SessionSettings } from "../device/devices.ts";
import { concatFloats } from "../models/tensor.ts";
import { type EncodedTokens, TextEncoder } from "./networks/text-encoder.ts";
import type { SamplingRules } from "./sampling-rules.ts";
import type { TextFamily } from "./text/clip-skip.ts";
import { ClipTokenizer } from "./text/clip-tokenizer.ts";
import { readClipVocabulary } from "./text/clip-vocabulary.ts";
import { type Conditioning, padded } from "./text/conditioning.ts";
import {
  chunkPrompt,
  emptyPromptChunk,
  isWeighted,
  type PromptChunk,
  plainChunk,
} from "./text/prompt-chunks.ts";
import { weighTokens } from "./text/weigh-tokens.ts";

/** How one text is encoded. */
export interface TextReading {
  readonly rules: SamplingRules;
  /** As CLIPSetLastLayer counts: -1 for the last layer; null: the pipeline's own. */
  readonly stopAt: number | null;
}

/** Of one text: the encoder runs once for each 77. */
const MAX_TOKENS = 2 ** 14;

/** Which hidden states are taken: the last, or those before it for SDXL. */
const LAYERS = { sd: -1, sdxl: -2 } as const satisfies Record<TextFamily, number>;

interface Opening {
  /** The tokenizer's folder in that of the pipeline. */
  readonly tokenizer: string;
  readonly family: TextFamily;
  readonly settings: SessionSettings;
}

export class ClipEncoder {
  readonly #tokenizer: ClipTokenizer;
  readonly #network: TextEncoder;
  readonly #family: TextFamily;
  /** The empty prompt's states by layer, each [77, width]; filled when they are needed. */
  readonly #empty = new Map<number | null, Float32Array>();

  private constructor(tokenizer: ClipTokenizer, network: TextEncoder, family: TextFamily) {
    this.#tokenizer = tokenizer;
    this.#network = network;
    this.#family = family;
  }

  /**
   * Throws `model_failed` for a tokenizer or an encoder that cannot be read.
   *
   * @param path of the encoder's ONNX file
   * @param folder of the pipeline
   */
  static async open(
    path: string,
    folder: string,
    { tokenizer, family, settings }: Opening,
  ): Promise<ClipEncoder> {
    const vocabulary = await readClipVocabulary(join(folder, tokenizer), tokenizer);
    const network = await TextEncoder.open(path, settings);
    return new ClipEncoder(new ClipTokenizer(vocabulary), network, family);
  }

  /** The text with the weights of its parentheses, where they have a meaning. Throws `invalid_request` for too long a text. */
  async encode(text: string, { rules, stopAt }: TextReading): Promise<Conditioning> {
    const chunks =
      rules === "diffusers"
        ? [plainChunk(this.#tokenizer, text)]
        : chunkPrompt(this.#tokenizer, text);
    const tokens = chunks.reduce((sum, { ids }) => sum + ids.length, 0);
    if (tokens > MAX_TOKENS) {
      const problem = `a prompt of ${text.length} characters has ${tokens} tokens`;
      throw new WorkerError(
        "invalid_request",
        `${problem}; at most ${MAX_TOKENS} are allowed: shorten it`,
      );
    }
    const encoded: EncodedTokens[] = [];
    for (const chunk of chunks) encoded.push(await this.#encodeChunk(chunk, stopAt));
    const hidden = concatFloats(encoded.map((each) => each.hidden.data as Float32Array));
    const pooled = encoded.flatMap((each) => (each.pooled?.data as Float32Array) ?? []);
    const states = {
      hidden,
      width: hidden.length / tokens,
      pooled: pooled.length === encoded.length ? concatFloats(pooled) : null,
    };
    return weighTokens(states, chunks, isWeighted(chunks) ? await this.#emptyStates(stopAt) : null);
  }

  /** The conditioning with at least so many tokens: the missing ones are those of the empty prompt. */
  async padded(
    conditioning: Conditioning,
    tokens: number,
    reading: TextReading,
  ): Promise<Conditioning> {
    if (conditioning.tokens >= tokens) return conditioning;
    return padded(conditioning, tokens, await this.encode("", reading));
  }

  /** The layer that is taken where so many are left out, as CLIPSetLastLayer counts; null: the usual one. */
  layerAfter(clipSkip: number): number | null {
    if (clipSkip === 0) return null;
    const { layersLeftOut } = this.#network;
    return LAYERS[this.#family] - clipSkip - (this.#family === "sd" ? layersLeftOut : 0);
  }

  async release(): Promise<void> {
    await this.#network.release();
  }

  async #encodeChunk({ ids }: PromptChunk, stopAt: number | null): Promise<EncodedTokens> {
    if (stopAt === null) return await this.#network.encode([...ids], LAYERS[this.#family]);
    return await this.#network.encodeLayer([...ids], this.#family, stopAt);
  }

  async #emptyStates(stopAt: number | null): Promise<Float32Array> {
    const known = this.#empty.get(stopAt);
    if (known !== undefined) return known;
    const { hidden } = await this.#encodeChunk(emptyPromptChunk(this.#tokenizer), stopAt);
    const states = hidden.data as Float32Array;
    this.#empty.set(stopAt, states);
    return states;
  }
}
