/** Compares docs/api.md with what the program declares. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_KINDS, WorkerError } from "../../../src/errors.ts";
import { statusOf } from "../../../src/server/http/http-error.ts";
import { CHANGING_FIELDS, FIXED_FIELDS } from "../../../src/server/streams/fields.ts";

const page = readFileSync(join(import.meta.dir, "../../../docs/api.md"), "utf8");

/** The rows of the table whose header begins with this cell, each as its cells. */
function rowsOf(header: string): string[][] {
  const lines = page.split("\n");
  const first = lines.findIndex((line) => line.startsWith(`| ${header}`));
  const rows = lines.slice(first + 2, lines.indexOf("", first));
  return rows.map((row) =>
    row
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}
const codes = (cell = ""): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);

test("every error code is explained, with its status", () => {
  const explained = rowsOf("`code`").map(([code = "", status = ""]) => `${codes(code)} ${status}`);
  const own = ERROR_KINDS.map((kind) => `${kind} ${statusOf(new WorkerError(kind, ""))}`);
  const https = ["not_found 404", "method_not_allowed 405", "body_too_large 413"];
  expect(explained.toSorted()).toEqual([...own, ...https].toSorted());
});

test("every parameter of streams is explained, and those that are fixed are marked", () => {
  const rows = rowsOf("Parameter");
  const named = (isFixed: boolean) =>
    rows.filter(([cell = ""]) => cell.includes("†") === isFixed).flatMap(([cell]) => codes(cell));
  const models = ["seed", "strength", "steps"];
  expect(named(false).toSorted()).toEqual([...CHANGING_FIELDS, ...models].toSorted());
  // Orchestrators alone have a data channel; seed mode's output is where the page begins.
  const elsewhere = ["stream_url", "data_format"];
  expect([...named(true), ...elsewhere].toSorted()).toEqual([...FIXED_FIELDS].toSorted());
});
