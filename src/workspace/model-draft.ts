/** Drafts the `model.json` of an ONNX file: from the table of well-known networks, or else from its names and shapes. */
import { basename } from "node:path";
import type { ModelProto } from "onnx-buf";
import { defineModel } from "../engine/models/define-model.ts";
import { draftModel } from "../engine/models/draft.ts";
import { whatItIs } from "../engine/models/file-kind.ts";
import type { KnownNetwork } from "../engine/models/known/known-network.ts";
import { recogniseNetwork } from "../engine/models/known/known-networks.ts";
import { type ModelJson, parseModelJson } from "../engine/models/model-json.ts";
import { readOnnxSkeleton } from "../engine/models/onnx-outline.ts";
import { missingDomains } from "../engine/models/operator-domains.ts";
import { type GraphSignature, signatureOf } from "../engine/models/tensor-signature.ts";
import { reason, WorkerError } from "../errors.ts";
import type { FieldProblem } from "../field-problem.ts";
import { type Guess, guessesOf } from "./draft-guesses.ts";
import { CommandError } from "./failures.ts";

/** A drafted `model.json`, and how sure it is. */
export interface ModelDraft {
  readonly json: ModelJson;
  /** The content of the file to write. */
  readonly text: string;
  readonly signature: GraphSignature;
  /** Null where the draft follows names and shapes. */
  readonly network: KnownNetwork | null;
  /** Fields that should be checked. */
  readonly guesses: readonly Guess[];
  /** Fields that must be edited before the model can be used. */
  readonly problems: readonly FieldProblem[];
  /** Operators that this server does not have, as `missingDomains` names them. */
  readonly missing: readonly string[];
}

/**
 * Throws CommandError for what is not an ONNX file, and says what it is.
 *
 * @param stated the model's name, where it is to be stated, and its license, where nothing better is known
 */
export async function draftModelJson(
  path: string,
  { name, license }: Pick<ModelJson, "name" | "license"> = {},
): Promise<ModelDraft> {
  const file = basename(path);
  const model = await readModel(path, file);
  const signature = signatureOf(model);
  const network = recogniseNetwork(signature, file);
  const drafted: ModelJson = network?.describe(signature) ?? draftModel(file, signature);
  const { inputs = {}, outputs = {}, presets, description = "", ...about } = drafted;
  const json: ModelJson = {
    ...(name !== undefined && { name }),
    description,
    ...(license !== undefined && { license }),
    ...about,
    file,
    inputs,
    outputs,
    ...(presets && { presets }),
  };
  const text = formatJson(json);
  const guesses = network === null ? guessesOf(json, signature) : [];
  const problems = problemsOf(text, signature);
  return { json, text, signature, network, guesses, problems, missing: missingDomains(model) };
}

/** Its weights stay in the file. */
async function readModel(path: string, file: string): Promise<ModelProto> {
  try {
    return await readOnnxSkeleton(path, file, file);
  } catch (error) {
    const kind = await whatItIs(path);
    throw new CommandError(kind === null ? `${file}: ${reason(error)}` : `${file} ${kind}`);
  }
}

/** What the catalogue would say about the file. */
function problemsOf(text: string, signature: GraphSignature): readonly FieldProblem[] {
  try {
    defineModel("draft", parseModelJson(text), signature);
    return [];
  } catch (error) {
    if (error instanceof WorkerError && error.details.length > 0) return error.details;
    throw error;
  }
}

/** Characters of a line of a list. */
const LINE = 90;

/** Indented JSON whose lists of values take as few lines as they need: `"range": [0, 1]`. */
function formatJson(json: unknown): string {
  const indented = JSON.stringify(json, null, 2);
  const filled = indented.replace(
    /\[\n( +)([^[\]{}]+?)\n( *)\]/g,
    (_, inner: string, items: string, outer: string) => {
      const lines = fill(items.split(/\n +/));
      if (lines.length === 1) return `[${lines[0]}]`;
      return `[\n${lines.map((line) => `${inner}${line}\n`).join("")}${outer}]`;
    },
  );
  return `${filled}\n`;
}

/** Joins words to lines. */
function fill(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < LINE)
      lines.splice(-1, 1, `${line} ${word}`);
    else lines.push(word);
  }
  return lines;
}
