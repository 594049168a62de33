/** Compares our judgement of graphs, and our node classes, with what ComfyUI itself answered. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { executionOrder } from "../../../../src/engine/graph/execution-order.ts";
import type { GraphFiles } from "../../../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { nodeErrors } from "../../../../src/engine/graph/node-errors.ts";
import { objectInfo } from "../../../../src/engine/graph/object-info.ts";
import { readGraph } from "../../../../src/engine/graph/read-graph.ts";
import { type Validation, validate } from "../../../../src/engine/graph/validate.ts";
import { exactJson } from "../../../../src/raw-json.ts";
import { readReference } from "../../../support/reference.ts";
import { sharedData } from "../../../support/shared-data.ts";
import { FILES } from "./graphs.ts";

interface GoldenCase {
  readonly id: string;
  readonly why: string;
  readonly valid: boolean;
  readonly error_type: string | null;
  readonly outputs: readonly string[];
  readonly nodes: Readonly<Record<string, GoldenNode>>;
  readonly converted?: Readonly<Record<string, unknown>>;
  readonly graph: Readonly<Record<string, unknown>>;
}

interface GoldenNode {
  readonly class_type: string;
  readonly dependent_outputs: readonly string[];
  readonly errors: readonly { readonly type: string; readonly input_name: string }[];
}

interface GoldenClass {
  readonly inputs: Readonly<Record<string, GoldenInput>>;
  readonly outputs: readonly string[];
  readonly output_names: readonly string[];
  readonly output_node: boolean;
}

type GoldenInput = Readonly<Record<string, unknown>> & {
  readonly category: "required" | "optional";
  readonly type: string;
  readonly options?: "files" | readonly string[];
};

interface Verdicts {
  readonly graph: GoldenCase["graph"];
  readonly cases: readonly (Omit<GoldenCase, "graph"> & {
    readonly set: GoldenCase["graph"];
    readonly taken: readonly string[];
  })[];
}

describe("validation as ComfyUI's (every clone)", () => {
  const { graph: base, cases } = readReference<Verdicts>("graph-verdicts");
  for (const { set, taken, ...verdict } of cases) {
    const kept = Object.entries(base).filter(([id]) => !taken.includes(id));
    const graph = { ...Object.fromEntries(kept), ...set };
    test(`${verdict.id}: ${verdict.why}`, () => compare({ ...verdict, graph }));
  }
});

describe("classes as in object_info (every clone)", () => {
  const classes = readReference<Record<string, GoldenClass>>("node-classes");
  for (const [name, known] of Object.entries(classes)) test(name, () => compareClass(name, known));
});

const folder = sharedData("golden");
if (folder === null) {
  test.skip("graphs and classes of ComfyUI: shared/data/golden is absent", () => {});
} else {
  const read = (name: string) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
  describe("validation as ComfyUI's", () => {
    const { cases }: { cases: GoldenCase[] } = read("graphs/validation.json");
    for (const one of cases) test(`${one.id}: ${one.why}`, () => compare(one));
  });
  test.each(["txt2img", "img2img", "turbo", "loaders-lcm-control"])("%s is valid", (name) => {
    const validation = judge(read(`graphs/${name}-api.json`));
    expect(validation.problems).toEqual([]);
    expect(validation.refusal).toBeNull();
  });
  test.each([...["images/cases.json", "comfy-tiny/runs.json", "comfy-tiny/control.json"]])(
    "every graph of %s is valid",
    (name) => {
      const { cases }: { cases: readonly { id: string; graph: unknown }[] } = read(name);
      expect(cases.length).toBeGreaterThan(0);
      for (const { id, graph } of cases) {
        const validation = validate(readGraph(graph), { classes: NODE_CLASSES, files: ANY_FILE });
        const { problems, failedOutputs, outputs } = validation;
        expect({ id, problems, failedOutputs }).toEqual({ id, problems: [], failedOutputs: [] });
        const run = new Set(executionOrder(validation).map(({ node }) => node.id));
        expect({ id, run: outputs.every((output) => run.has(output)) }).toEqual({ id, run: true });
      }
    },
  );
  describe("classes as in object_info", () => {
    const { classes }: { classes: Record<string, GoldenClass> } = read("graphs/classes.json");
    for (const [name, known] of Object.entries(classes))
      test(name, () => compareClass(name, known));
  });
}

const ANY_FILE: GraphFiles = {
  list: () => [],
  find: (_, name) => name,
  content: () => undefined,
};

const judge = (graph: unknown): Validation =>
  validate(readGraph(graph), { classes: NODE_CLASSES, files: FILES });

function compare({ valid, error_type, outputs, nodes, converted = {}, graph }: GoldenCase): void {
  const validation = judge(graph);
  expect(validation.refusal === null).toBe(valid);
  expect<string | null>(validation.refusal).toBe(error_type);
  expect([...validation.outputs].sort()).toEqual([...outputs].sort());
  const errors = Object.entries(nodeErrors(validation)).map(([id, node]) => [
    id,
    {
      class_type: node.class_type,
      dependent_outputs: node.dependent_outputs,
      errors: node.errors
        .map(({ type, details }) => ({
          type,
          input_name: asReported(validation, id, type, details),
        }))
        .sort(byInput),
    },
  ]);
  expect(Object.fromEntries(errors)).toEqual(
    Object.fromEntries(
      Object.entries(nodes).map(([id, { errors: expected, ...node }]) => [
        id,
        {
          ...node,
          errors: expected.map(({ type, input_name }) => ({ type, input_name })).sort(byInput),
        },
      ]),
    ),
  );
  for (const [path, value] of Object.entries(converted)) {
    const [id = "", input = ""] = path.split(".");
    expect(validation.nodes.get(id)?.values.get(input)).toEqual(value as number);
  }
}

/** Where ComfyUI met an exception, it names the input by which another node needs the faulty one; we name the input at fault. */
function asReported({ nodes }: Validation, faulty: string, type: string, input: string): string {
  if (type !== "exception_during_inner_validation") return input;
  for (const { links } of nodes.values()) {
    for (const [name, { node }] of links) if (node === faulty) return name;
  }
  throw new Error(`nothing needs node ${faulty}`);
}

const byInput = (a: { input_name: string }, b: { input_name: string }): number =>
  a.input_name < b.input_name ? -1 : 1;

function compareClass(name: string, known: GoldenClass): void {
  const info = objectInfo(
    [...NODE_CLASSES.values()].filter((one) => one.name === name),
    FILES,
  )[name];
  expect(info?.output).toEqual(known.outputs);
  expect(info?.output_name).toEqual(known.output_names);
  expect(info?.output_node).toBe(known.output_node);
  const inputs = Object.entries(known.inputs);
  for (const category of ["required", "optional"] as const) {
    const wanted = inputs.filter(([, input]) => input.category === category);
    expect(info?.input_order[category]).toEqual(wanted.map(([input]) => input));
    for (const [input, { category: _, type, options, ...limits }] of wanted) {
      const [offered, given] = info?.input[category][input] ?? [];
      if (options === undefined) expect(offered).toBe(type);
      else if (options !== "files") expect(offered).toEqual(options);
      else expect(offered).toBeArray();
      expect(JSON.parse(exactJson(given))).toEqual(limits); // the largest are rounded there
    }
  }
}
