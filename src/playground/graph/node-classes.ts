/** The node classes of the server, as `GET /nodes` describes them: which inputs can be changed, and how. */
import type { GraphInput, GraphNode } from "./read-graph.ts";

/** A type, or the words to choose from; then what the type allows. */
type InputInfo = readonly [
  string | readonly string[],
  { readonly min?: number; readonly max?: number; readonly step?: number }?,
];

/** The members of ComfyUI's object_info that the page reads. */
export interface NodeClass {
  readonly input: {
    readonly required?: Readonly<Record<string, InputInfo>>;
    readonly optional?: Readonly<Record<string, InputInfo>>;
  };
  readonly output_node: boolean;
}

export type NodeClasses = Readonly<Record<string, NodeClass>>;

/** How a value is changed. */
export type Widget =
  | { readonly kind: "text" }
  | { readonly kind: "switch" }
  | { readonly kind: "choice"; readonly options: readonly string[] }
  | {
      readonly kind: "number";
      readonly integer: boolean;
      readonly min?: number;
      readonly max?: number;
      readonly step?: number;
    };

/** The control for an input; null for a link, and for a value that only the text can change. */
export function widgetOf(node: GraphNode, input: GraphInput, classes: NodeClasses): Widget | null {
  const { required, optional } = classes[node.className]?.input ?? {};
  const [type, limits] = required?.[input.name] ?? optional?.[input.name] ?? [];
  if (input.kind === "link" || input.kind === "other") return null;
  if (type !== undefined && typeof type !== "string") return { kind: "choice", options: type };
  switch (type) {
    case "INT":
    case "FLOAT":
      return { kind: "number", integer: type === "INT", ...limits };
    case "BOOLEAN":
      return { kind: "switch" };
    case "STRING":
      return { kind: "text" };
    default:
      return plainWidget(input);
  }
}

/** The control for an input that the class does not declare, such as a parameter of the model that `OnnxModel` runs. */
function plainWidget({ kind }: GraphInput): Widget | null {
  if (kind === "number") return { kind: "number", integer: false };
  return kind === "text" || kind === "switch" ? { kind } : null;
}

/** True for nodes that are worth seeing first: they have a prompt or a seed. */
export function isLively(node: GraphNode, classes: NodeClasses): boolean {
  if (classes[node.className]?.output_node) return false;
  return node.inputs.some(
    (input) => isSeed(input) || widgetOf(node, input, classes)?.kind === "text",
  );
}

export const isSeed = ({ name, kind }: GraphInput): boolean =>
  kind === "number" && /(^|_)seed$/.test(name);

/** A value of a widget as JSON. A number that is typed stays as it is: it may be larger than a double holds. */
export const jsonOf = (widget: Widget, value: string): string =>
  widget.kind === "number" || widget.kind === "switch" ? value : JSON.stringify(value);
