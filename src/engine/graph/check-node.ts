/** Checks one node of a graph against its class: inputs that are missing, links that lead nowhere, values out of range. */

import type { Suggest } from "../../nearest-name.ts";
import {
  type CheckedValue,
  checkValue,
  expected,
  type InputValue,
  withArticle,
} from "./check-value.ts";
import {
  type Graph,
  type GraphNode,
  type Link,
  nodeLabel,
  shownName,
  shownValue,
} from "./graph.ts";
import type { GraphFiles } from "./graph-files.ts";
import { type InputDeclaration, link, takesLinksOnly } from "./input-declaration.ts";
import type { NodeClass } from "./node-class.ts";
import type { InputProblem, InputProblemType } from "./problem.ts";

/** The classes and files that a graph is checked against. */
export interface KnownNodes {
  readonly classes: ReadonlyMap<string, NodeClass>;
  readonly files: GraphFiles;
}

/** A node whose inputs are sorted and converted; those at fault are absent. */
export interface CheckedNode {
  readonly id: string;
  readonly className: string;
  /** The class before a rewrite, as the sender knows it. */
  readonly sentClass: string;
  readonly nodeClass: NodeClass;
  /** For messages: `node 3 "My sampler" (KSampler)`. */
  readonly label: string;
  /** By input name, in the order of the class. */
  readonly links: ReadonlyMap<string, Link>;
  /** By input name. Optional inputs that were not given have their defaults, if any. */
  readonly values: ReadonlyMap<string, InputValue>;
  /** Inputs with a value where only a link makes sense. ComfyUI finds the graph valid and fails when it runs the node. */
  readonly missingLinks: readonly InputProblem[];
}

export interface NodeCheck {
  readonly node: CheckedNode;
  readonly problems: readonly InputProblem[];
}

/** Checks all inputs that the class knows; others are ignored. `className` is one of `known.classes`. */
export function checkNode(
  node: GraphNode,
  [className, nodeClass]: readonly [string, NodeClass],
  graph: Graph,
  known: KnownNodes & { readonly suggest: Suggest },
): NodeCheck {
  const links = new Map<string, Link>();
  const values = new Map<string, InputValue>();
  const problems: InputProblem[] = [];
  const missingLinks: InputProblem[] = [];
  const checked: CheckedNode = {
    id: node.id,
    className,
    sentClass: node.rewrittenFrom ?? className,
    nodeClass,
    label: nodeLabel(node),
    links,
    values,
    missingLinks,
  };
  const problemAt = (input: string, type: Fault["type"], sentence: string): InputProblem => {
    const message = `${checked.label}: ${sentence}`;
    return { type: typeFor(type, nodeClass), node: node.id, input, message, problem: sentence };
  };
  const fail = (input: string, { type, problem }: Fault, into = problems): void => {
    into.push(problemAt(input, type, `${shownName(input, 40) || "its input"} ${problem}`));
  };
  const unreadable = node.faults.find(({ part }) => part === "inputs");
  if (unreadable !== undefined && Object.keys(nodeClass.inputs).length > 0) {
    return { node: checked, problems: [problemAt("inputs", "exception", unreadable.problem)] };
  }
  for (const [input, declaration, isRequired] of declaredInputs(node, nodeClass)) {
    const given = Object.hasOwn(node.inputs, input) ? node.inputs[input] : undefined;
    const wanted = () => expected(declaration, known.files);
    if (given === undefined || (given === null && !isRequired)) {
      const initial = "default" in declaration ? declaration.default : undefined;
      if (isRequired) {
        const problem = `is missing: give ${wanted()}${misspelt(input, node, nodeClass, known.suggest)}`;
        fail(input, { type: "required_input_missing", problem });
      } else if (initial !== undefined) values.set(input, initial);
    } else if (Array.isArray(given)) {
      const found = checkLink(given, declaration, graph, known);
      if ("problem" in found) fail(input, found);
      else links.set(input, found);
    } else if (takesLinksOnly(declaration)) {
      const problem = `must be ${wanted()}, got ${shownValue(given)}`;
      fail(input, { type: "invalid_input_type", problem }, missingLinks);
    } else {
      const found: CheckedValue = checkValue(declaration, unwrapped(given), known);
      if ("problem" in found) fail(input, found);
      else values.set(input, found.value);
    }
  }
  const faulty = new Set([...problems, ...missingLinks].map(({ input }) => input));
  for (const [input, problem] of nodeClass.check?.(checked, known.files) ?? []) {
    if (!faulty.has(input)) fail(input, { type: "custom_validation_failed", problem });
  }
  return { node: checked, problems };
}

/** Every input that is looked at: its name, what it takes, whether it is required. */
function* declaredInputs(
  { inputs: given }: GraphNode,
  { inputs, optional = {}, takesMore }: NodeClass,
): Generator<[string, InputDeclaration, boolean]> {
  for (const [name, declaration] of Object.entries(inputs)) yield [name, declaration, true];
  for (const [name, declaration] of Object.entries(optional)) yield [name, declaration, false];
  if (!takesMore) return;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(inputs, name) && !Object.hasOwn(optional, name)) {
      yield [name, link("*"), false];
    }
  }
}

/** The input of the node that may be meant for one that is missing, for messages; empty where there is none. */
function misspelt(
  missing: string,
  { inputs: given }: GraphNode,
  { inputs, optional = {} }: NodeClass,
  suggest: Suggest,
): string {
  const unknown = Object.keys(given).filter(
    (name) => !Object.hasOwn(inputs, name) && !Object.hasOwn(optional, name),
  );
  const meant = unknown.length === 0 ? null : suggest(missing, unknown);
  return meant === null ? "" : ` (did you mean ${missing} by ${shownValue(meant)}?)`;
}

/** ComfyUI's page wraps a value that is a list, since a plain list is a link. */
const unwrapped = (given: unknown): unknown =>
  typeof given === "object" && given !== null && "__value__" in given ? given.__value__ : given;

/** What is wrong with an input: the predicate of a sentence. `exception`: ComfyUI notices it by no other means. */
type Fault = { readonly type: InputProblemType | "exception"; readonly problem: string };

const typeFor = (type: Fault["type"], { isOutput }: NodeClass): InputProblemType => {
  if (type !== "exception") return type;
  return isOutput ? "exception_during_validation" : "exception_during_inner_validation";
};

function checkLink(
  given: readonly unknown[],
  declaration: InputDeclaration,
  graph: Graph,
  { classes }: KnownNodes,
): Link | Fault {
  if (given.length !== 2) {
    // The parameter of a model, which may be a vector.
    const list = declaration.type === "*" ? ', or a list as {"__value__": […]}' : "";
    const problem = `must be a link [node id, output index]${list}, got ${shownValue(given)}`;
    return { type: "bad_linked_input", problem };
  }
  const [id, slot] = given;
  const source = typeof id === "string" ? graph.get(id) : undefined;
  if (source === undefined) {
    const way =
      typeof id === "number" && graph.has(String(id))
        ? `write the id as text: [${JSON.stringify(String(id))}, ${shownValue(slot)}]`
        : "link it to one that is there, or add it";
    return {
      type: "exception",
      problem: `links to node ${shownValue(id)}, which is not in the graph; ${way}`,
    };
  }
  const sourceClass = source.className === null ? undefined : classes.get(source.className);
  if (sourceClass === undefined) return { node: source.id, output: Number(slot) }; // that node is at fault
  const { outputs } = sourceClass;
  // As in Python, true is 1, and -1 is the last one.
  const index = typeof slot === "boolean" ? Number(slot) : slot;
  const output = typeof index === "number" && index < 0 ? outputs.length + index : index;
  const type = typeof output === "number" ? outputs[output] : undefined;
  if (type === undefined || typeof output !== "number") {
    const has = outputs.map((one, at) => `${at} (${one})`).join(", ") || "none";
    const problem = `links to output ${shownValue(slot)} of ${nodeLabel(source)}, whose outputs are: ${has}`;
    return { type: "exception", problem };
  }
  if (type === declaration.type || type === "*" || declaration.type === "*") {
    return { node: source.id, output };
  }
  const right = outputs.indexOf(declaration.type);
  const way = right < 0 ? "" : `; its output ${right} is one`;
  const problem = `needs ${withArticle(declaration.type)}, and output ${output} of ${nodeLabel(source)} is ${withArticle(type)}${way}`;
  return { type: "return_type_mismatch", problem };
}
