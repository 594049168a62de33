/** Encodes the prompts of streams with the text encoders of a pipeline, and remembers what it has encoded. Used in workers. */
import type { SessionSettings } from "../device/devices.ts";
import type { Prompt } from "../protocol/work.ts";
import { ClipEncoder, type TextReading } from "./clip-encoder.ts";
import { type PipelineParts, TOKENIZERS } from "./pipeline-folder.ts";
import type { SamplingRules } from "./sampling-rules.ts";
import { type Conditioning, joinEncoders, zeroed } from "./text/conditioning.ts";
import { mixConditionings, mixPrompts, type TextShare } from "./text/prompt-mixture.ts";

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

const USUAL_READING: PromptReading = { rules: "ComfyUI", clipSkip: 0 };

/** Texts and lists of prompts that are remembered. */
const KEPT = 64;

/** SDXL has two. */
type Encoders = readonly [ClipEncoder, ClipEncoder?];

export class Conditioner {
  readonly #encoders: Encoders;
  readonly #zerosForEmpty: boolean;
  readonly #texts = new Map<string, Promise<Conditioning>>();
  readonly #pairs = new Map<string, Promise<ConditioningPair>>();

  private constructor(encoders: Encoders, zerosForEmpty: boolean) {
    this.#encoders = encoders;
    this.#zerosForEmpty = zerosForEmpty;
  }

  /** Throws `model_failed` for tokenizers and encoders that cannot be read. */
  static async open(pipeline: PipelineParts, settings: SessionSettings): Promise<Conditioner> {
    const { networks, folder, zerosForEmptyPrompt } = pipeline;
    const second = networks.text_encoder_2;
    const family = second === undefined ? "sd" : "sdxl";
    const open = async (part: keyof typeof TOKENIZERS) => {
      const tokenizer = TOKENIZERS[part];
      return await ClipEncoder.open(networks[part] ?? "", folder, { tokenizer, family, settings });
    };
    const first = await open("text_encoder");
    const encoders: Encoders =
      second === undefined ? [first] : [first, await open("text_encoder_2")];
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
    return await remembered(this.#texts, JSON.stringify([first, second, reading]), async () => {
      const left = await one.encode(first, reading);
      if (other === undefined) return left;
      const right = await other.encode(second, reading);
      const tokens = Math.max(left.tokens, right.tokens);
      return joinEncoders(
        await one.padded(left, tokens, reading),
        await other.padded(right, tokens, reading),
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
      const skipping = { rules, stopAt: this.#encoders[0].layerAfter(clipSkip) };
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
    for (const encoder of this.#encoders) await encoder?.release();
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
