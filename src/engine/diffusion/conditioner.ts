/** Encodes the prompts of streams with the text encoders of a pipeline, and remembers what it has encoded. Used in workers. */
import { join } from "node:path";
import { WorkerError } from "../../errors.ts";
import type { SessionSettings } from "../device/devices.ts";
import type { Prompt } from "../protocol/work.ts";
import { type EncodedTokens, TextEncoder } from "./networks/text-encoder.ts";
import type { PipelineParts } from "./pipeline-folder.ts";
import type { SamplingRules } from "./sampling-rules.ts";
import { ClipTokenizer } from "./text/clip-tokenizer.ts";
import { readClipVocabulary } from "./text/clip-vocabulary.ts";
import { type Conditioning, joinEncoders, padded, zeroed } from "./text/conditioning.ts";
import {
  chunkPrompt,
  emptyPromptChunk,
  isWeighted,
  type PromptChunk,
  plainChunk,
} from "./text/prompt-chunks.ts";
import { mixConditionings, mixPrompts, type TextShare } from "./text/prompt-mixture.ts";
import { weighTokens } from "./text/weigh-tokens.ts";

/** A positive and a negative conditioning; the same object for the same prompts while they are remembered. */
export interface ConditioningPair {
  readonly positive: Conditioning;
  readonly negative: Conditioning;
}

/** How the prompts of a pipeline are read and encoded. */
export interface PromptReading {
  /**
   * "ComfyUI": with weights in parentheses, in as many runs of the encoder as a text needs. "diffusers": as plain text, of
   * which one run takes what fits.
   */
  readonly rules: SamplingRules;
  /** Layers at the end of the encoders that are left out; diffusers leaves them out for the positive prompt alone. */
  readonly clipSkip: number;
}

export const USUAL_READING: PromptReading = { rules: "ComfyUI", clipSkip: 0 };

/** How one text is encoded. */
interface TextReading {
  readonly rules: SamplingRules;
  /** As CLIPSetLastLayer counts: -1 for the last layer; null: the pipeline's own. */
  readonly stopAt: number | null;
}

/** Of one text: the encoder runs once for each 77. */
const MAX_TOKENS = 2 ** 14;

/** Texts and lists of prompts that are remembered. */
const KEPT = 64;

interface Encoder {
  readonly tokenizer: ClipTokenizer;
  readonly network: TextEncoder;
  /** Which hidden states are taken: the last, or those before it for SDXL. */
  readonly layer: -1 | -2;
  /** The empty prompt's states by layer, each [77, width]; filled when they are needed. */
  readonly empty: Map<number | null, Float32Array>;
}

export class Conditioner {
  readonly #encoders: readonly Encoder[];
  readonly #zerosForEmpty: boolean;
  readonly #texts = new Map<string, Promise<Conditioning>>();
  readonly #pairs = new Map<string, Promise<ConditioningPair>>();

  private constructor(encoders: readonly Encoder[], zerosForEmpty: boolean) {
    this.#encoders = encoders;
    this.#zerosForEmpty = zerosForEmpty;
  }

  /** Throws `model_failed` for tokenizers and encoders that cannot be read. */
  static async open(pipeline: PipelineParts, settings: SessionSettings): Promise<Conditioner> {
    const { networks, folder, zerosForEmptyPrompt } = pipeline;
    const second = networks.text_encoder_2;
    const encoders = [
      await openEncoder(folder, "", networks.text_encoder, second ? -2 : -1, settings),
    ];
    if (second !== undefined) encoders.push(await openEncoder(folder, "_2", second, -2, settings));
    return new Conditioner(encoders, zerosForEmptyPrompt && second !== undefined);
  }

  /** The conditioning of the empty prompt, one chunk. */
  async empty(): Promise<Conditioning> {
    return await this.encode("");
  }

  /**
   * The conditioning of one text, with the weights of its parentheses.
   *
   * @param stopAt the encoders' layer as CLIPSetLastLayer counts, -1 for the last; null: the pipeline's own
   */
  async encode(text: string, stopAt: number | null = null): Promise<Conditioning> {
    return await this.encodeBoth(text, text, stopAt);
  }

  /**
   * As `encode`, with a text for each of SDXL's encoders: the shorter one goes on with the empty prompt. A pipeline with
   * one encoder takes the first text.
   */
  async encodeBoth(
    first: string,
    second: string,
    stopAt: number | null = null,
  ): Promise<Conditioning> {
    return await this.#encode(first, second, { rules: "ComfyUI", stopAt });
  }

  async #encode(first: string, second: string, reading: TextReading): Promise<Conditioning> {
    const [one, other] = this.#encoders;
    if (one === undefined) throw new Error("a pipeline has a text encoder");
    return await remembered(this.#texts, JSON.stringify([first, second, reading]), async () => {
      const left = await encodeText(one, first, reading);
      if (other === undefined) return left;
      const right = await encodeText(other, second, reading);
      const tokens = Math.max(left.tokens, right.tokens);
      return joinEncoders(
        await paddedBy(one, left, tokens, reading),
        await paddedBy(other, right, tokens, reading),
      );
    });
  }

  /** True for SDXL's pipelines. */
  get hasTwoEncoders(): boolean {
    return this.#encoders.length > 1;
  }

  /** Encodes each text once. */
  async pairOf(
    prompts: readonly Prompt[],
    { rules, clipSkip }: PromptReading = USUAL_READING,
  ): Promise<ConditioningPair> {
    return await remembered(this.#pairs, JSON.stringify([prompts, rules, clipSkip]), async () => {
      const { positive, negative } = mixPrompts(prompts);
      const skipping = { rules, stopAt: clipSkip > 0 ? this.#layerAfter(clipSkip) : null };
      const unwanted = rules === "diffusers" ? { rules, stopAt: null } : skipping;
      return {
        positive: await this.#mix(positive, skipping),
        negative: this.#isZero(prompts, negative, rules)
          ? zeroed(await this.empty())
          : await this.#mix(negative, unwanted),
      };
    });
  }

  async release(): Promise<void> {
    for (const { network } of this.#encoders) await network.release();
  }

  async #mix(texts: readonly TextShare[], reading: TextReading): Promise<Conditioning> {
    const parts = [];
    for (const { text, share } of texts) {
      parts.push({ conditioning: await this.#encode(text, text, reading), share });
    }
    return mixConditionings(parts, await this.#encode("", "", reading));
  }

  /** True for SDXL without a negative prompt. For diffusers an empty text is one. */
  #isZero(
    prompts: readonly Prompt[],
    negative: readonly TextShare[],
    rules: SamplingRules,
  ): boolean {
    if (!this.#zerosForEmpty) return false;
    if (rules === "ComfyUI") return negative.length === 0;
    return prompts.every(({ negative_prompt }) => negative_prompt === undefined);
  }

  /** The layer that is taken when so many are left out, as CLIPSetLastLayer counts. */
  #layerAfter(clipSkip: number): number {
    const [{ layer, network }] = this.#encoders as [Encoder];
    return layer - clipSkip - (layer === -1 ? network.layersLeftOut : 0);
  }
}

async function openEncoder(
  folder: string,
  suffix: "" | "_2",
  path: string | undefined,
  layer: Encoder["layer"],
  settings: SessionSettings,
): Promise<Encoder> {
  const name = `tokenizer${suffix}`;
  const tokenizer = new ClipTokenizer(await readClipVocabulary(join(folder, name), name));
  const network = await TextEncoder.open(path ?? "", settings);
  return { tokenizer, network, layer, empty: new Map() };
}

/** Chunk by chunk, with the weights of parentheses where they have a meaning. */
async function encodeText(
  encoder: Encoder,
  text: string,
  { rules, stopAt }: TextReading,
): Promise<Conditioning> {
  const { tokenizer } = encoder;
  const chunks =
    rules === "diffusers" ? [plainChunk(tokenizer, text)] : chunkPrompt(tokenizer, text);
  const tokens = tokensIn(chunks);
  if (tokens > MAX_TOKENS) {
    const problem = `a prompt of ${text.length} characters has ${tokens} tokens`;
    throw new WorkerError(
      "invalid_request",
      `${problem}; at most ${MAX_TOKENS} are allowed: shorten it`,
    );
  }
  const encoded = [];
  for (const chunk of chunks) encoded.push(await encodeChunk(encoder, chunk, stopAt));
  const hidden = joined(encoded.map((each) => each.hidden.data as Float32Array));
  const pooled = encoded[0]?.pooled?.data;
  const states = {
    hidden,
    width: hidden.length / tokens,
    pooled:
      pooled === undefined
        ? null
        : joined(encoded.map((each) => each.pooled?.data as Float32Array)),
  };
  return weighTokens(
    states,
    chunks,
    isWeighted(chunks) ? await emptyStates(encoder, stopAt) : null,
  );
}

async function paddedBy(
  encoder: Encoder,
  conditioning: Conditioning,
  tokens: number,
  reading: TextReading,
): Promise<Conditioning> {
  if (conditioning.tokens >= tokens) return conditioning;
  return padded(conditioning, tokens, await encodeText(encoder, "", reading));
}

async function encodeChunk(
  { network, layer }: Encoder,
  { ids }: PromptChunk,
  stopAt: number | null,
): Promise<EncodedTokens> {
  if (stopAt === null) return await network.encode([...ids], layer);
  return await network.encodeLayer([...ids], layer === -1 ? "sd" : "sdxl", stopAt);
}

async function emptyStates(encoder: Encoder, stopAt: number | null): Promise<Float32Array> {
  const known = encoder.empty.get(stopAt);
  if (known !== undefined) return known;
  const { hidden } = await encodeChunk(encoder, emptyPromptChunk(encoder.tokenizer), stopAt);
  const states = hidden.data as Float32Array;
  encoder.empty.set(stopAt, states);
  return states;
}

const tokensIn = (chunks: readonly PromptChunk[]): number =>
  chunks.reduce((sum, { ids }) => sum + ids.length, 0);

function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What was made for a key, or is made now; the one used longest ago is forgotten. A failure is not remembered. */
async function remembered<T>(
  known: Map<string, Promise<T>>,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  const found = known.get(key) ?? make();
  known.delete(key);
  known.set(key, found);
  for (const [oldest] of known) {
    if (known.size <= KEPT) break;
    known.delete(oldest);
  }
  try {
    return await found;
  } catch (error) {
    known.delete(key);
    throw error;
  }
}
