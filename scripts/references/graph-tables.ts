/** What ComfyUI says of graphs, each as its difference from one that is valid, and of its node classes; and whole graphs. */
import { readFileSync } from "node:fs";
import { goldenPath } from "./array-cases.ts";

type Graph = Readonly<Record<string, unknown>>;

interface Verdict {
  readonly id: string;
  readonly why: string;
  readonly valid: boolean;
  readonly error_type: string | null;
  readonly outputs: readonly string[];
  readonly nodes: Readonly<Record<string, FaultyNode>>;
  readonly converted?: Graph;
  readonly graph: Graph;
}

interface FaultyNode {
  readonly class_type: string;
  readonly dependent_outputs: readonly string[];
  readonly errors: readonly { readonly type: string; readonly input_name: string }[];
}

interface NodeClass {
  readonly inputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly outputs: readonly string[];
  readonly output_names: readonly string[];
  readonly output_node: boolean;
}

export function verdictTable(): string {
  const { cases }: { cases: Verdict[] } = read("graphs/validation.json");
  const [first] = cases;
  if (first?.id !== "ok") throw new Error("the first case is not the valid graph");
  const rows = cases.map(({ graph, nodes, ...verdict }) =>
    JSON.stringify({
      ...verdict,
      nodes: Object.fromEntries(
        Object.entries(nodes).map(([id, { errors, ...node }]) => [
          id,
          { ...node, errors: errors.map(({ type, input_name }) => ({ type, input_name })) },
        ]),
      ),
      ...changesFrom(first.graph, graph),
    }),
  );
  return `{\n"graph": ${JSON.stringify(first.graph)},\n"cases": [\n${rows.join(",\n")}\n]\n}\n`;
}

/** Nodes that are set, in place of those of the base or beside them, and nodes that are taken away. */
function changesFrom(base: Graph, graph: Graph) {
  const set = Object.entries(graph).filter(([id, node]) => !Bun.deepEquals(node, base[id]));
  const taken = Object.keys(base).filter((id) => !(id in graph));
  return { set: Object.fromEntries(set), taken };
}

/** The graphs that users begin with, one a line. */
export function graphTable(): string {
  const names = ["txt2img", "img2img", "turbo", "loaders-lcm-control"];
  const rows = names.map(
    (name) => `${JSON.stringify(name)}: ${JSON.stringify(read(`graphs/${name}-api.json`))}`,
  );
  return `{\n${rows.join(",\n")}\n}\n`;
}

/** One line a class. */
export function classTable(): string {
  const { classes }: { classes: Record<string, NodeClass> } = read("graphs/classes.json");
  const rows = Object.entries(classes).map(
    ([name, { inputs, outputs, output_names, output_node }]) =>
      `${JSON.stringify(name)}: ${JSON.stringify({ inputs, outputs, output_names, output_node })}`,
  );
  return `{\n${rows.join(",\n")}\n}\n`;
}

const read = (name: string) => JSON.parse(readFileSync(goldenPath(name), "utf8"));
