/** Reads the vocabulary of a CLIP tokenizer from a `tokenizer` folder as diffusers and Optimum write it. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { reason, WorkerError } from "../../../errors.ts";
import { describeFileError, readRegularFile } from "../../models/regular-file.ts";

/** A token that stands for no text. */
export interface SpecialToken {
  readonly spelling: string;
  readonly id: number;
}

/** The byte-pair vocabulary of a CLIP text encoder. */
export interface ClipVocabulary {
  /** Token ids by spelling; a token that ends a word ends in `</w>`. */
  readonly ids: Readonly<Record<string, number>>;
  /** The pairs of tokens that are joined, the first to be joined first, each as `"left right"`. */
  readonly merges: readonly string[];
  /** The tokens before and after a text, and the token that fills the rest of an encoder run. */
  readonly start: SpecialToken;
  readonly end: SpecialToken;
  readonly pad: SpecialToken;
  /** Tokens of one encoder run, start and end included: 77. */
  readonly length: number;
}

/** The largest tokenizer.json of a CLIP model has 4 MiB. */
const MAX_BYTES = 32 * 2 ** 20;
const DEFAULT_LENGTH = 77;

const Ids = Type.Record(Type.String(), Type.Integer({ minimum: 0 }));
const Special = Type.Union([Type.String(), Type.Object({ content: Type.String() }), Type.Null()]);
const SpecialTokens = Type.Object({
  bos_token: Type.Optional(Special),
  eos_token: Type.Optional(Special),
  pad_token: Type.Optional(Special),
  model_max_length: Type.Optional(Type.Number()),
});
const TokenizerJson = Type.Object({
  model: Type.Object({
    type: Type.Literal("BPE"),
    end_of_word_suffix: Type.Literal("</w>"),
    vocab: Ids,
    /** As one string in older files, as a pair in newer ones. */
    merges: Type.Array(Type.Union([Type.String(), Type.Tuple([Type.String(), Type.String()])])),
  }),
  added_tokens: Type.Array(Type.Object({ id: Type.Integer(), content: Type.String() })),
});

/**
 * Reads `vocab.json` and `merges.txt`, or `tokenizer.json` where one of them is absent. The special tokens and the
 * length come from `special_tokens_map.json`, then `tokenizer_config.json`, then CLIP's own. The padding token matters:
 * SD 1.x and SDXL's first encoder pad with the end token, SD 2.x and SDXL's second encoder with `!`, which is token 0.
 * Throws `model_failed` with the file and what is wrong with it.
 *
 * @param folder the tokenizer's folder
 * @param label how error messages name the folder
 */
export async function readClipVocabulary(folder: string, label: string): Promise<ClipVocabulary> {
  const files = await TokenizerFolder.open(folder, label);
  const { ids, merges } = await readPairs(files);
  const map = await files.specialTokens("special_tokens_map.json");
  const config = await files.specialTokens("tokenizer_config.json");
  const special = (name: "bos_token" | "eos_token" | "pad_token", otherwise: string) => {
    const token = map[name] ?? config[name] ?? otherwise;
    const spelling = typeof token === "string" ? token : token.content;
    const id = ids[spelling];
    if (id !== undefined) return { spelling, id };
    throw files.failure(`names ${JSON.stringify(spelling)} as its ${name}, which has no id`);
  };
  const end = special("eos_token", "<|endoftext|>");
  return {
    ids,
    merges,
    start: special("bos_token", "<|startoftext|>"),
    end,
    pad: special("pad_token", end.spelling),
    length: plausibleLength(config.model_max_length),
  };
}

async function readPairs(files: TokenizerFolder): Promise<Pick<ClipVocabulary, "ids" | "merges">> {
  if (files.has("vocab.json") && files.has("merges.txt")) {
    const ids = await files.json("vocab.json", Ids);
    const lines = (await files.text("merges.txt")).split(/\r?\n/);
    return { ids, merges: lines.filter((line) => line !== "" && !line.startsWith("#version")) };
  }
  if (!files.has("tokenizer.json")) {
    const missing = "has neither vocab.json and merges.txt nor tokenizer.json";
    throw files.failure(`${missing}: copy them from the model that was exported`);
  }
  const { model, added_tokens } = await files.json("tokenizer.json", TokenizerJson);
  const added = added_tokens.map(({ content, id }) => [content, id] as const);
  return {
    ids: { ...model.vocab, ...Object.fromEntries(added) },
    merges: model.merges.map((pair) => (typeof pair === "string" ? pair : pair.join(" "))),
  };
}

/** Tokenizers without a limit state a huge number. The position embeddings of all known CLIP models have 77 rows. */
const plausibleLength = (stated = DEFAULT_LENGTH): number =>
  Number.isInteger(stated) && stated >= 16 && stated <= 1024 ? stated : DEFAULT_LENGTH;

/** The files of a tokenizer. */
class TokenizerFolder {
  readonly #folder: string;
  readonly #label: string;
  readonly #names: ReadonlySet<string>;

  private constructor(folder: string, label: string, names: readonly string[]) {
    this.#folder = folder;
    this.#label = label;
    this.#names = new Set(names);
  }

  static async open(folder: string, label: string): Promise<TokenizerFolder> {
    try {
      return new TokenizerFolder(folder, label, await readdir(folder));
    } catch (error) {
      const message = `${label} ${describeFileError(error)}`;
      throw new WorkerError("model_failed", message, { cause: error });
    }
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  async text(name: string): Promise<string> {
    const label = `${this.#label}/${name}`;
    return new TextDecoder().decode(
      await readRegularFile(join(this.#folder, name), label, MAX_BYTES),
    );
  }

  async json<T extends TSchema>(name: string, schema: T): Promise<Static<T>> {
    const text = await this.text(name);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw this.failure(`holds a ${name} that is not valid JSON: ${reason(error)}`, error);
    }
    if (Value.Check(schema, value)) return value;
    const { path = "", message = "" } = Value.Errors(schema, value).First() ?? {};
    throw this.failure(`holds a ${name} that is not of a CLIP tokenizer: ${path} ${message}`);
  }

  /** The special tokens that a file names, none where it is absent. */
  async specialTokens(name: string): Promise<Static<typeof SpecialTokens>> {
    return this.has(name) ? await this.json(name, SpecialTokens) : {};
  }

  failure(problem: string, cause?: unknown): WorkerError {
    return new WorkerError("model_failed", `${this.#label} ${problem}`, { cause });
  }
}
