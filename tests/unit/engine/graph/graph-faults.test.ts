/** Compares our judgement of ComfyUI's default graph, with one input changed in 995 ways, with ComfyUI's own. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { nodeErrors } from "../../../../src/engine/graph/node-errors.ts";
import { parseGraph } from "../../../../src/engine/graph/read-graph.ts";
import { validate } from "../../../../src/engine/graph/validate.ts";
import { exactJson } from "../../../../src/raw-json.ts";
import { parseJson } from "../../../../src/server/exact-json.ts";
import { FILES } from "./graphs.ts";

interface Faults {
  readonly graph: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
  readonly values: Readonly<Record<string, unknown>>;
  /** By input or member of a node: the values that get each verdict. */
  readonly verdicts: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

const path = join(import.meta.dir, "../../../reference/graph-faults.json");
// Its largest numbers are no numbers of JavaScript.
const { graph, values, verdicts } = parseJson(readFileSync(path, "utf8")) as Faults;

test.each(Object.entries(verdicts))(
  "%s is judged as ComfyUI does, whatever it is",
  (place, expected) => {
    const judged: Record<string, string[]> = {};
    for (const title of Object.values(expected).flat()) {
      const verdict = verdictOf(changed(place, title));
      judged[verdict] = [...(judged[verdict] ?? []), title];
    }
    const sorted = (all: Readonly<Record<string, readonly string[]>>) =>
      Object.fromEntries(
        Object.entries(all).map(([verdict, titles]) => [verdict, titles.toSorted()]),
      );
    expect(sorted(judged)).toEqual(sorted(withoutNaN(place, expected)));
  },
);

/** The inputs that are numbers with a fraction. */
const FLOATS = ["3.cfg", "3.denoise"];
const NAN = "NaN in text";

type Verdicts = Faults["verdicts"][string];

/** ComfyUI takes NaN for a number; here it is refused. */
function withoutNaN(place: string, expected: Verdicts): Verdicts {
  if (!FLOATS.includes(place)) return expected;
  const { valid = [], "3 invalid_input_type": refused = [] } = expected;
  expect(valid).toContain(NAN);
  return {
    ...expected,
    valid: valid.filter((title) => title !== NAN),
    "3 invalid_input_type": [...refused, NAN],
  };
}

/** The graph with another value at `3.cfg`, or as the member `3 inputs`. */
function changed(place: string, title: string): string {
  const [node = "", member = ""] = place.split(/[. ]/);
  const before = graph[node];
  if (before === undefined) throw new Error(`no node ${node}`);
  const value = title === "absent" ? undefined : values[title];
  const after = place.includes(".")
    ? { ...before, inputs: { ...before.inputs, [member]: value } }
    : { ...before, [member]: value };
  return exactJson({ ...graph, [node]: after });
}

function verdictOf(json: string): string {
  const validation = validate(parseGraph(json), { classes: NODE_CLASSES, files: FILES });
  const found = Object.entries(nodeErrors(validation)).flatMap(([node, { errors }]) =>
    errors.map(({ type }) => `${node} ${type}`),
  );
  const valid = validation.refusal === null && validation.outputs.join() === "9";
  return [...new Set(found)].sort().join(", ") || (valid ? "valid" : "invalid");
}
