/** Hides the forms in which callers send parameters as one member, `params` (protocol.md 1.4, 1.6). */
import { fieldsError, shown } from "../field-errors.ts";

/**
 * Of an object, null, JSON text of either, or a list whose first object counts: the object, else an empty one. Throws
 * `invalid_request` naming `params` for anything else.
 */
export function wrappedParams(params: unknown): object {
  const given = parsedText(params) ?? {};
  if (given === "") return {};
  if (Array.isArray(given))
    return given.find((one) => typeof one === "object" && one !== null) ?? {};
  if (typeof given === "object") return given;
  const problem = `must be an object, or JSON text of one, got ${shown(params)}`;
  throw fieldsError([{ field: "params", problem }]);
}

/** What JSON text says; everything else, and text that is no JSON, as it is. */
export function parsedText(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value; // whoever checks it says what it should have been
  }
}
