/** Checks and converts one value of an input, in ComfyUI's order: type first, then limits, then what may be chosen. */

import type { Suggest } from "../../nearest-name.ts";
import { folderFault } from "./folder-content.ts";
import { shownValue } from "./graph.ts";
import type { GraphFiles } from "./graph-files.ts";
import {
  type ChoiceInput,
  type FileInput,
  type FileKind,
  type FloatInput,
  type InputDeclaration,
  type IntInput,
  isPlainFile,
} from "./input-declaration.ts";
import type { InputProblemType } from "./problem.ts";
import { toBoolean, toFloat, toInt, toText } from "./python-values.ts";

/** A bigint where a number would not be exact; a list for a model's vector. */
export type InputValue = string | number | bigint | boolean | readonly number[];

/** What values are checked with. */
export interface ValueContext {
  readonly files: GraphFiles;
  readonly suggest: Suggest;
}

/**
 * The converted value, or what is wrong with the one that was given: the predicate of a sentence. `exception`: ComfyUI
 * notices it by no other means.
 */
export type CheckedValue =
  | { readonly value: InputValue }
  | { readonly type: InputProblemType | "exception"; readonly problem: string };

const MAX_LISTED = 8;

export function checkValue(
  declaration: InputDeclaration,
  given: unknown,
  context: ValueContext,
): CheckedValue {
  switch (declaration.type) {
    case "INT":
      return checkInt(declaration, given);
    case "FLOAT":
      return checkFloat(declaration, given);
    case "STRING":
      return { value: toText(given) };
    case "BOOLEAN":
      return { value: toBoolean(given) };
    case "COMBO":
      return "files" in declaration
        ? checkFile(declaration, given, context)
        : checkChoice(declaration, given, context);
    case "*":
      return isPlain(given) ? { value: given } : wrongType(declaration, given);
    default:
      return wrongType(declaration, given);
  }
}

/** What an input takes, for messages: `an integer from 1 to 10000`. */
export function expected(declaration: InputDeclaration, files: GraphFiles): string {
  switch (declaration.type) {
    case "INT":
      return `an integer${limits(declaration)}`;
    case "FLOAT":
      return `a number${limits(declaration)}`;
    case "STRING":
      return "a text";
    case "BOOLEAN":
      return "true or false";
    case "COMBO":
      return "files" in declaration
        ? `a ${KIND_NAMES[declaration.files]} (${listed(files.list(declaration.files), "none")})`
        : `one of ${listed(declaration.options, "nothing")}`;
    case "*":
      return "a value, or a link [node id, output index]";
    default:
      return `a link [node id, output index] to ${withArticle(declaration.type)}`;
  }
}

/** `an IMAGE`, `a MASK`. */
export const withArticle = (type: string): string => `${/^[AEIO]/.test(type) ? "an" : "a"} ${type}`;

const KIND_NAMES: Readonly<Record<FileKind, string>> = {
  checkpoint: "checkpoint",
  diffusion_model: "diffusion model",
  text_encoder: "text encoder",
  vae: "VAE",
  controlnet: "ControlNet",
  depth_model: "depth model",
  model: "model",
  image: "picture in the input folder",
  output_image: "picture in the output folder",
  latent: "latent in the input folder",
};

function checkInt(declaration: IntInput, given: unknown): CheckedValue {
  const value = toInt(given);
  if (value === null) return wrongType(declaration, given);
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    return withinLimits(declaration, value);
  }
  // A JSON parser has rounded it: a number that is the rounded limit was the limit.
  const exact = [declaration.min, declaration.max].find((limit) => Number(limit) === value);
  return withinLimits(declaration, exact === undefined ? BigInt(value) : BigInt(exact));
}

/** ComfyUI takes NaN for any number, since it is neither too small nor too large, and infinity where there is no limit. */
function checkFloat(declaration: FloatInput, given: unknown): CheckedValue {
  const value = toFloat(given);
  if (value === null || Number.isNaN(value)) return wrongType(declaration, given);
  const checked = withinLimits(declaration, value);
  const isUnlimited = "value" in checked && !Number.isFinite(value);
  return isUnlimited ? wrongType(declaration, given) : checked;
}

function withinLimits(declaration: IntInput | FloatInput, value: number | bigint): CheckedValue {
  const { min, max } = declaration;
  const range = `it must be ${declaration.type === "INT" ? "an integer" : "a number"}${limits(declaration)}`;
  if (min !== undefined && value < min) {
    return { type: "value_smaller_than_min", problem: `is ${value}, which is too small: ${range}` };
  }
  if (max !== undefined && value > max) {
    return { type: "value_bigger_than_max", problem: `is ${value}, which is too large: ${range}` };
  }
  return { value };
}

function checkChoice(
  { options }: ChoiceInput,
  given: unknown,
  { suggest }: ValueContext,
): CheckedValue {
  if (typeof given === "string" && options.includes(given)) return { value: given };
  const meant = suggestion(given, options, suggest);
  const problem = `is ${shownValue(given)}, which is not one of its options${meant}; they are ${listed(options, "none")}`;
  return { type: "value_not_in_list", problem };
}

function checkFile(
  { files: kind }: FileInput,
  given: unknown,
  { files, suggest }: ValueContext,
): CheckedValue {
  const unknown = typeof given === "string" ? "custom_validation_failed" : "exception";
  const type = isPlainFile(kind) ? unknown : "value_not_in_list";
  const found = typeof given === "string" ? files.find(kind, given) : null;
  if (found !== null) {
    const content = files.content(found);
    const fault = content === undefined ? null : folderFault(kind, content);
    const problem = `is ${shownValue(given)}, which ${fault}`;
    return fault === null ? { value: String(given) } : { type, problem };
  }
  const names = files.list(kind);
  const problem = `is ${shownValue(given)}, and there is no such ${KIND_NAMES[kind]}${suggestion(given, names, suggest)}; there is ${listed(names, "none")}`;
  return { type, problem };
}

const suggestion = (given: unknown, names: readonly string[], suggest: Suggest): string => {
  const meant = typeof given === "string" ? suggest(given, names) : null;
  return meant === null ? "" : ` (did you mean ${shownValue(meant)}?)`;
};

function wrongType(declaration: InputDeclaration, given: unknown): CheckedValue {
  const wanted = expected(declaration, NO_FILES);
  return { type: "invalid_input_type", problem: `must be ${wanted}, got ${shownValue(given)}` };
}

const NO_FILES: GraphFiles = { list: () => [], find: () => null, content: () => undefined };

const isPlain = (value: unknown): value is InputValue =>
  ["string", "number", "bigint", "boolean"].includes(typeof value) ||
  (Array.isArray(value) && value.every((one) => typeof one === "number"));

function limits({ min, max }: IntInput | FloatInput): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

function listed(names: readonly string[], none: string): string {
  if (names.length === 0) return none;
  const more = names.length - MAX_LISTED;
  return names.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
