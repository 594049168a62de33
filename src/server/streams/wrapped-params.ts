/** Reads parameters that callers send as one member, `params`, in any of its forms (protocol.md 1.4, 1.6). */

import { jsonFault, placed } from "../../json-fault.ts";
import { shown } from "../../shown-value.ts";
import { parseJson } from "../exact-json.ts";
import { fieldsError } from "../field-errors.ts";

/**
 * Accepts an object, null, JSON text of either, or a list, whose first object counts. Returns the object, or an empty
 * one. Throws `invalid_request` naming `params` for anything else.
 */
export function wrappedParams(params: unknown): object {
  const given = parsedText(params) ?? {};
  if (given === "") return {};
  if (Array.isArray(given))
    return given.find((one) => typeof one === "object" && one !== null) ?? {};
  if (typeof given === "object") return given;
  const fault = typeof given === "string" && /^\s*[[{]/.test(given) ? jsonFault(given) : null;
  const why = fault === null ? "" : `; ${placed(fault)}`;
  const problem = `must be an object, or JSON text of one, got ${shown(params)}${why}`;
  throw fieldsError([{ field: "params", problem }]);
}

/** Parses JSON text; returns any other value, and text that is not JSON, unchanged. */
export function parsedText(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return parseJson(value);
  } catch {
    return value; // the schema that checks it says what was expected
  }
}
