/** Makes ONNX files of any size, with weights inside or in a file of their own. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import { simpleModel } from "./onnx-workspace.ts";

/** A model with a picture in and the same picture out. It is at least `bytes` long. */
export function onnxFile(bytes = 0): Uint8Array<ArrayBuffer> {
  const model = fromBinary(
    ModelProtoSchema,
    simpleModel("float32", [1, 3, "H", "W"], (graph, x) => graph.node("Identity", [x])),
  );
  if (model.graph) model.graph.docString = "padding ".repeat(Math.ceil(bytes / 8));
  return toBinary(ModelProtoSchema, model);
}

/** The same with a tensor whose values lie in another file. */
export function onnxFileWithWeightsIn(location: string): Uint8Array<ArrayBuffer> {
  const model = fromBinary(ModelProtoSchema, onnxFile());
  model.graph?.initializer.push(
    create(TensorProtoSchema, {
      name: "weights",
      dims: [4n],
      dataType: TensorProto_DataType.FLOAT,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [create(StringStringEntryProtoSchema, { key: "location", value: location })],
    }),
  );
  return toBinary(ModelProtoSchema, model);
}

/**
 * The same model with the values of its float32 constants in another file, one after the other, as exporters write
 * models above 2 GB.
 */
export function withWeightsIn(
  location: string,
  bytes: Uint8Array,
): { readonly model: Uint8Array<ArrayBuffer>; readonly weights: Uint8Array<ArrayBuffer> } {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  if (graph === undefined) throw new Error("the model has no graph");
  const parts: Uint8Array[] = [];
  let offset = 0;
  graph.node = graph.node.filter(({ opType, output: [name = ""], attribute: [value] }) => {
    const tensor = opType === "Constant" ? value?.t : undefined;
    if (tensor?.dataType !== TensorProto_DataType.FLOAT) return true;
    const { rawData, dims } = tensor;
    const place = { location, offset, length: rawData.length };
    graph.initializer.push(
      create(TensorProtoSchema, {
        name,
        dims,
        dataType: TensorProto_DataType.FLOAT,
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: Object.entries(place).map(([key, its]) =>
          create(StringStringEntryProtoSchema, { key, value: String(its) }),
        ),
      }),
    );
    parts.push(rawData);
    offset += rawData.length;
    return false;
  });
  return {
    model: toBinary(ModelProtoSchema, model),
    weights: Uint8Array.from(Buffer.concat(parts)),
  };
}
