/** Reads the value of a model's parameter as callers send it, by the parameter's type, into the one form that engines get. */

import { listed, shown } from "../../shown-value.ts";
import type { ModelParam, NumberParam, ParamValue, VectorParam } from "./models.ts";
import {
  pictureFormat,
  pictureUri,
  pictureUriBytes,
  pictureUriFormat,
  pictureUriHeader,
  readPictureUri,
} from "./picture-uri.ts";

/** A value in its canonical form, or what is wrong with it, in words that follow the parameter's name. */
export type ParamReading = { readonly value: ParamValue } | { readonly problem: string };

const MIB = 1024 * 1024;
const MAX_PICTURE_BYTES = 4 * MIB;

/**
 * Reads a value that is not null. A number, true or false, and the integer of a trigger stay as they are; a vector
 * becomes the list of all its numbers, a picture the data URI of its true format.
 */
export function readParam(param: ModelParam, given: unknown): ParamReading {
  switch (param.type) {
    case "number":
      if (isInRange(given, param) && (!param.integer || Number.isInteger(given)))
        return { value: given };
      return mustBe(`${param.integer ? "an integer" : "a number"} ${rangeOf(param)}`, given);
    case "switch":
      return typeof given === "boolean" ? { value: given } : mustBe("true or false", given);
    case "trigger":
      if (typeof given === "number" && Number.isSafeInteger(given)) return { value: given };
      return mustBe("an integer, which triggers it whenever it changes", given);
    case "vector":
      return readVector(param, given);
    case "picture":
      return readPicture(given);
    default:
      return param satisfies never;
  }
}

/** Whether a value that another model may have had is a canonical one of this parameter. */
export function suitsParam(param: ModelParam, value: ParamValue): boolean {
  // To decode a picture anew with every update would cost milliseconds.
  if (param.type === "picture") return pictureUriFormat(value) !== null;
  if (param.type === "vector") {
    if (!Array.isArray(value) || !("value" in readVector(param, value))) return false;
    return !param.blend || Math.abs(sumOf(value) - 1) < 1e-6;
  }
  return "value" in readParam(param, value);
}

/** A value as answers and events show it: of a picture its type and size. */
export function shownValue(value: ParamValue): ParamValue {
  const format = pictureUriFormat(value);
  if (typeof value !== "string" || format === null) return value;
  const header = pictureUriHeader(format); // a slice of `value` would keep all of it in memory
  if (value.startsWith("…", header.length)) return value;
  const bytes = pictureUriBytes(value);
  const size = bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return `${header}… (${size})`;
}

function readVector(param: VectorParam, given: unknown): ParamReading {
  const values = vectorOf(param, given);
  if ("problem" in values) return values;
  if (param.choice && values.filter((number) => number !== 0).length !== 1) {
    return mustBe(`the name of one entry: ${entriesOf(param)}`, given);
  }
  const numbers = param.blend ? shares(values) : values;
  if (numbers === null) {
    const problem = `must have a sum above 0, since it is divided by its sum, got ${shown(given)}`;
    return { problem };
  }
  // A negative weight makes the other shares too large: it is named first.
  const low = numbers.findIndex((number) => number < param.min);
  const wrong = low >= 0 ? low : numbers.findIndex((number) => !isInRange(number, param));
  if (wrong < 0) return { value: numbers };
  const name = param.entries[wrong];
  const entry = name ? `entry ${shown(name)}` : `number ${wrong + 1}`;
  const share = param.blend ? " of the sum" : "";
  return { problem: `must be ${rangeOf(param)}${share} in ${entry}, got ${shown(values[wrong])}` };
}

/** All numbers of a vector that is given in one of its forms. */
function vectorOf(param: VectorParam, given: unknown): readonly number[] | { problem: string } {
  const { length } = param.default;
  if (Array.isArray(given) && given.length === length && given.every(isNumber)) return given;
  if (typeof given === "string" && isEntry(param, given))
    return withEntries(param, { [given]: nearest(1, param) });
  const isByName = typeof given === "object" && given !== null && !Array.isArray(given);
  if (isByName && param.entries.some(Boolean)) {
    const unknown = Object.keys(given).find((name) => !isEntry(param, name));
    if (unknown !== undefined)
      return { problem: `has no entry ${shown(unknown)}; its entries: ${entriesOf(param)}` };
    if (isWeights(given)) return withEntries(param, given);
  }
  const list = `a list of ${length} numbers`;
  const names = entriesOf(param);
  return mustBe(
    names === "" ? list : `${list}, {"entry": weight} or the name of an entry: ${names}`,
    given,
  );
}

/** The given entries of a vector by name, and 0 (or what is nearest to it) for the others. */
function withEntries(param: VectorParam, given: Readonly<Record<string, number>>): number[] {
  const byName = new Map(Object.entries(given));
  const none = nearest(0, param);
  return param.default.map((_, index) => byName.get(param.entries[index] ?? "") ?? none);
}

const nearest = (number: number, { min, max }: VectorParam): number =>
  Math.min(max, Math.max(min, number));

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** Each number divided by the sum of all; null where the sum is not a number above 0. */
function shares(numbers: readonly number[]): readonly number[] | null {
  const sum = sumOf(numbers);
  return sum > 0 && sum < Infinity ? numbers.map((number) => number / sum) : null;
}

/** Entries without a name cannot be named. */
const isEntry = ({ entries }: VectorParam, name: string): boolean =>
  name !== "" && entries.includes(name);

const entriesOf = ({ entries }: VectorParam): string => listed(entries.filter(Boolean));

function readPicture(given: unknown): ParamReading {
  if (typeof given !== "string") return mustBe("a data URI of a PNG, JPEG or WebP", given);
  const reading = readPictureUri(given);
  if ("problem" in reading) return reading;
  const { bytes } = reading;
  const format = pictureFormat(bytes);
  if (format === null)
    return { problem: "must be a PNG, JPEG or WebP; its bytes are none of them" };
  if (bytes.byteLength > MAX_PICTURE_BYTES) {
    const problem = `must be a file of at most ${MAX_PICTURE_BYTES / MIB} MiB, got ${bytes.byteLength} bytes`;
    return { problem };
  }
  return { value: pictureUri(bytes, format) };
}

const mustBe = (expected: string, given: unknown): { readonly problem: string } => ({
  problem: `must be ${expected}, got ${shown(given)}`,
});

const isWeights = (value: object): value is Record<string, number> =>
  Object.values(value).every(isNumber);

const isNumber = (value: unknown): value is number => typeof value === "number";

const isInRange = (
  value: unknown,
  { min, max }: Pick<NumberParam, "min" | "max">,
): value is number => isNumber(value) && value >= min && value <= max;

const rangeOf = ({ min, max }: Pick<NumberParam, "min" | "max">): string => `from ${min} to ${max}`;
