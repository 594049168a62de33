/** Hides the looser forms that pytrickle's callers may send numbers and booleans in (protocol.md 7.2). */
import { fieldsError, shown } from "../../field-errors.ts";
import { parsedText } from "../../streams/wrapped-params.ts";

/** What pytrickle makes without a size and without the input's. */
const DEFAULT_SIZE = { width: 512, height: 512 };
const WRITTEN: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  "1": true,
  false: false,
  no: false,
  "0": false,
};

/**
 * The same members in the forms of contract.md: numbers may come as text, a size with a fraction is cut. A start whose
 * `detect_out_resolution` is false gets pytrickle's own size where it names none. What is no object passes as it is.
 * Throws `invalid_request` for a `detect_out_resolution` that says neither yes nor no.
 */
export function fromPytrickle(body: unknown, use: "start" | "update"): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { detect_out_resolution: detect, params, ...fields }: Record<string, unknown> = { ...body };
  for (const name of ["width", "height"]) {
    const value = number(fields[name]);
    if (name in fields) fields[name] = typeof value === "number" ? Math.trunc(value) : value;
  }
  if ("max_framerate" in fields) fields["max_framerate"] = number(fields["max_framerate"]);
  const wrapped = params === undefined ? {} : { params: fromPytrickle(parsedText(params), use) };
  const detects = detect === undefined || detect === null ? true : truth(detect);
  const sized = "width" in fields || "height" in fields;
  return {
    ...fields,
    ...wrapped,
    ...(detects || sized || use === "update" ? {} : DEFAULT_SIZE),
  };
}

function number(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[+-]?\d+(\.\d+)?\s*$/.test(value)) return value;
  return Number(value);
}

function truth(value: unknown): boolean {
  const known = typeof value === "boolean" ? value : WRITTEN[String(value).toLowerCase()];
  if (known !== undefined) return known;
  const problem = `must be true or false, got ${shown(value)}`;
  throw fieldsError([{ field: "detect_out_resolution", problem }]);
}
