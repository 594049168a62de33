/** Converts the loose forms of numbers and booleans that pytrickle accepts into those of contract.md (protocol.md 7.2). */
import { DEFAULT_SIZE } from "../../../engine/protocol/work.ts";
import { shown } from "../../../shown-value.ts";
import { fieldsError } from "../../field-errors.ts";
import { parsedText } from "../../streams/wrapped-params.ts";

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  "1": true,
  false: false,
  no: false,
  "0": false,
};

/**
 * Converts numbers that come as text and truncates sizes. A start whose `detect_out_resolution` is false and that names
 * no size gets pytrickle's default. A body that is not an object is returned unchanged, for its reader to refuse.
 * Throws `invalid_request` for a `detect_out_resolution` that is not a boolean in any of pytrickle's forms.
 */
export function fromPytrickle(body: unknown, use: "start" | "update"): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { detect_out_resolution: detect, params, ...fields }: Record<string, unknown> = { ...body };
  for (const name of ["width", "height"]) {
    const value = asNumber(fields[name]);
    if (name in fields) fields[name] = typeof value === "number" ? Math.trunc(value) : value;
  }
  if ("max_framerate" in fields) fields["max_framerate"] = asNumber(fields["max_framerate"]);
  const wrapped = params === undefined ? {} : { params: fromPytrickle(parsedText(params), use) };
  const detects = detect === undefined || detect === null ? true : asBoolean(detect);
  const hasSize = "width" in fields || "height" in fields;
  return {
    ...fields,
    ...wrapped,
    ...(detects || hasSize || use === "update" ? {} : DEFAULT_SIZE),
  };
}

function asNumber(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[+-]?\d+(\.\d+)?\s*$/.test(value)) return value;
  return Number(value);
}

function asBoolean(value: unknown): boolean {
  const known = typeof value === "boolean" ? value : BOOLEANS[String(value).toLowerCase()];
  if (known !== undefined) return known;
  const problem = `must be true or false, got ${shown(value)}`;
  throw fieldsError([{ field: "detect_out_resolution", problem }]);
}
