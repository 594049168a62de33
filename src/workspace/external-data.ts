/** Finds the files that hold an ONNX file's weights (external data), by walking the file's messages without reading weights. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from "onnx-buf";
import { Unusable } from "./failures.ts";

type Message = "model" | "graph" | "node" | "attribute" | "function" | "sparse" | "tensor";
type Fields = Readonly<Record<number, Message | "location">>;

const model = ModelProtoSchema.field;
const graph = GraphProtoSchema.field;
const node = NodeProtoSchema.field;
const attribute = AttributeProtoSchema.field;
const sparse = SparseTensorProtoSchema.field;

/** The fields that lead to tensors, by message and number. All others are skipped. */
const FIELDS: Readonly<Record<Message, Fields>> = {
  model: { [model.graph.number]: "graph", [model.functions.number]: "function" },
  graph: {
    [graph.node.number]: "node",
    [graph.initializer.number]: "tensor",
    [graph.sparseInitializer.number]: "sparse",
  },
  node: { [node.attribute.number]: "attribute" },
  attribute: {
    [attribute.t.number]: "tensor",
    [attribute.g.number]: "graph",
    [attribute.sparseTensor.number]: "sparse",
    [attribute.tensors.number]: "tensor",
    [attribute.graphs.number]: "graph",
    [attribute.sparseTensors.number]: "sparse",
  },
  function: { [FunctionProtoSchema.field.node.number]: "node" },
  sparse: { [sparse.values.number]: "tensor", [sparse.indices.number]: "tensor" },
  tensor: { [TensorProtoSchema.field.externalData.number]: "location" },
};

const { key, value } = StringStringEntryProtoSchema.field;
/** Graphs in graphs; deeper ones are made to exhaust a reader. */
const MAX_DEPTH = 64;

/**
 * Paths of the files with weights, relative to the ONNX file's folder. The file is mapped into memory, so that only the pages
 * between weights are read. Throws Unusable for content that is not ONNX and for a path that leads out of the folder.
 */
export function externalDataOf(path: string, label: string): string[] {
  const found = new Set<string>();
  const bytes = Bun.mmap(path);
  try {
    walk(new BinaryReader(bytes), bytes.length, "model", found, 0);
  } catch (error) {
    throw new Unusable(`${label} is not an ONNX file, or is damaged`, { cause: error });
  }
  for (const file of found) {
    const parts = file.split("/");
    if (/^[/\\]|^[A-Za-z]:|\\|\0/.test(file) || parts.some((part) => part === ".." || part === ""))
      throw new Unusable(`${label} is refused: its weights lie outside of its folder, in ${file}`);
  }
  return [...new Set([...found].map((file) => file.replace(/^(\.\/)+/, "")))];
}

function walk(
  reader: BinaryReader,
  end: number,
  message: Message,
  found: Set<string>,
  depth: number,
): void {
  if (depth > MAX_DEPTH) throw new Error("nested too deeply");
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    const kind = FIELDS[message][field];
    if (kind === undefined || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    const length = reader.uint32();
    const inner = reader.pos + length;
    if (inner > end) throw new Error("cut short");
    if (kind === "location") readLocation(reader, inner, found);
    else walk(reader, inner, kind, found, depth + 1);
  }
}

function readLocation(reader: BinaryReader, end: number, found: Set<string>): void {
  const entry: Record<number, string> = {};
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === key.number || field === value.number) entry[field] = reader.string();
    else reader.skip(wireType, field);
  }
  const location = entry[value.number];
  if (entry[key.number] === "location" && location) found.add(location);
}
