/** Describes node classes in the form of ComfyUI's `/object_info`, which its clients read. */
import type { GraphFiles } from "./graph-files.ts";
import type { InputDeclaration } from "./input-declaration.ts";
import type { NodeClass } from "./node-class.ts";

type Inputs = Readonly<Record<string, InputDeclaration>>;
/** A type, or the words to choose from; then what the type allows: bigints where numbers would not be exact. */
type InputInfo = [string | readonly string[], Record<string, unknown>];

/** One class in ComfyUI's form. */
export interface ObjectInfo {
  readonly input: Readonly<Record<"required" | "optional", Readonly<Record<string, InputInfo>>>>;
  readonly input_order: Readonly<Record<"required" | "optional", readonly string[]>>;
  readonly output: readonly string[];
  readonly output_is_list: readonly boolean[];
  readonly output_name: readonly string[];
  readonly name: string;
  readonly display_name: string;
  readonly description: string;
  readonly python_module: string;
  readonly category: string;
  readonly output_node: boolean;
}

/** The given classes by name; `files` fills the menus of what can be loaded. */
export function objectInfo(
  classes: Iterable<NodeClass>,
  files: GraphFiles,
): Record<string, ObjectInfo> {
  return Object.fromEntries(
    Iterator.from(classes).map((nodeClass) => [nodeClass.name, infoOf(nodeClass, files)]),
  );
}

function infoOf(nodeClass: NodeClass, files: GraphFiles): ObjectInfo {
  const { name, inputs, optional = {}, outputs } = nodeClass;
  return {
    input: { required: inputsOf(inputs, files), optional: inputsOf(optional, files) },
    input_order: { required: Object.keys(inputs), optional: Object.keys(optional) },
    output: outputs,
    output_is_list: outputs.map(() => false),
    output_name: nodeClass.outputNames ?? outputs,
    name,
    display_name: name,
    description: nodeClass.note ?? "",
    python_module: "comfystream-byoc", // the member tells clients which pack a class is from
    category: nodeClass.category,
    output_node: nodeClass.isOutput === true,
  };
}

const inputsOf = (inputs: Inputs, files: GraphFiles): Record<string, InputInfo> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, declaration]) => [name, inputOf(declaration, files)]),
  );

function inputOf(declaration: InputDeclaration, files: GraphFiles): InputInfo {
  if ("files" in declaration) return [files.list(declaration.files), {}];
  if (!("options" in declaration)) {
    const { type, ...limits } = declaration;
    return [type, limits];
  }
  const { type: _, options, ...rest } = declaration;
  return [options, rest];
}
