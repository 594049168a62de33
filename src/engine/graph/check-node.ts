/** Checks one node of a graph against its class: inputs that are missing, links that lead nowhere, values out of range. */
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
import { type InputDeclaration, link } from "./input-declaration.ts";
import type { Suggest } from "./nearest-name.ts";
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
  const label = nodeLabel(node);
  const links = new Map<string, Link>();
  const values = new Map<string, InputValue>();
  const problems: InputProblem[] = [];
  const fail = (input: string, type: InputProblemType, problem: string): void => {
    const sentence = `${shownName(input, 40) || "its input"} ${problem}`;
    const message = `${label}: ${sentence}`;
    problems.push({ type, node: node.id, input, message, problem: sentence });
  };
  for (const [input, declaration, isRequired] of declaredInputs(node, nodeClass)) {
    const given = Object.hasOwn(node.inputs, input) ? node.inputs[input] : undefined;
    if (given === undefined || (given === null && !isRequired)) {
      const initial = "default" in declaration ? declaration.default : undefined;
      if (isRequired) {
        fail(
          input,
          "required_input_missing",
          `is missing: give ${expected(declaration, known.files)}`,
        );
      } else if (initial !== undefined) values.set(input, initial);
    } else if (Array.isArray(given)) {
      const found = checkLink(given, declaration, graph, known);
      if ("problem" in found) fail(input, linkFault(found.type, nodeClass), found.problem);
      else links.set(input, found);
    } else {
      const checked: CheckedValue = checkValue(declaration, unwrapped(given), known);
      if ("problem" in checked) fail(input, checked.type, checked.problem);
      else values.set(input, checked.value);
    }
  }
  const sentClass = node.rewrittenFrom ?? className;
  const checked = { id: node.id, className, sentClass, nodeClass, label, links, values };
  const faulty = new Set(problems.map(({ input }) => input));
  for (const [input, problem] of nodeClass.check?.(checked, known.files) ?? []) {
    if (!faulty.has(input)) fail(input, "custom_validation_failed", problem);
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

/** ComfyUI's page wraps a value that is a list, since a plain list is a link. */
const unwrapped = (given: unknown): unknown =>
  typeof given === "object" && given !== null && "__value__" in given ? given.__value__ : given;

type LinkProblem = { readonly type: InputProblemType | "broken"; readonly problem: string };

/** ComfyUI notices a link that leads nowhere only by an exception. */
const linkFault = (type: LinkProblem["type"], { isOutput }: NodeClass): InputProblemType => {
  if (type !== "broken") return type;
  return isOutput ? "exception_during_validation" : "exception_during_inner_validation";
};

function checkLink(
  given: readonly unknown[],
  declaration: InputDeclaration,
  graph: Graph,
  { classes }: KnownNodes,
): Link | LinkProblem {
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
      type: "broken",
      problem: `links to node ${shownValue(id)}, which is not in the graph; ${way}`,
    };
  }
  const sourceClass = source.className === null ? undefined : classes.get(source.className);
  if (sourceClass === undefined) return { node: source.id, output: Number(slot) }; // that node is at fault
  const { outputs } = sourceClass;
  // As in Python, -1 is the last one.
  const output = typeof slot === "number" && slot < 0 ? outputs.length + slot : slot;
  const type = typeof output === "number" ? outputs[output] : undefined;
  if (type === undefined || typeof output !== "number") {
    const has = outputs.map((one, at) => `${at} (${one})`).join(", ") || "none";
    const problem = `links to output ${shownValue(slot)} of ${nodeLabel(source)}, whose outputs are: ${has}`;
    return { type: "broken", problem };
  }
  if (type === declaration.type || type === "*" || declaration.type === "*") {
    return { node: source.id, output };
  }
  const right = outputs.indexOf(declaration.type);
  const way = right < 0 ? "" : `; its output ${right} is one`;
  const problem = `needs ${withArticle(declaration.type)}, and output ${output} of ${nodeLabel(source)} is ${withArticle(type)}${way}`;
  return { type: "return_type_mismatch", problem };
}
