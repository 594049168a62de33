/** Where an ONNX file says that its weights are. */
import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
import { externalDataOf } from "../../../src/workspace/external-data.ts";
import { CommandRun } from "../../support/command-run.ts";

const tensor = (location: string) =>
  create(TensorProtoSchema, {
    name: "w",
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      create(StringStringEntryProtoSchema, { key: "location", value: location }),
      create(StringStringEntryProtoSchema, { key: "offset", value: "0" }),
    ],
  });

async function locations(
  run: CommandRun,
  graph: Parameters<typeof create<typeof GraphProtoSchema>>[1],
) {
  const model = create(ModelProtoSchema, { graph: create(GraphProtoSchema, graph) });
  await Bun.write(run.path("m.onnx"), toBinary(ModelProtoSchema, model));
  return externalDataOf(run.path("m.onnx"), "m.onnx");
}

test("the weights of initializers, of attributes and of graphs in graphs are found, each file once", async () => {
  await using run = await CommandRun.create();
  const inner = create(GraphProtoSchema, { initializer: [tensor("inner.data")] });
  const attribute = [
    create(AttributeProtoSchema, { t: tensor("constant.data") }),
    create(AttributeProtoSchema, { g: inner }),
  ];
  const found = await locations(run, {
    initializer: [tensor("./all.data"), tensor("all.data"), tensor("sub/more.data")],
    node: [create(NodeProtoSchema, { attribute })],
  });
  expect(found.toSorted()).toEqual(["all.data", "constant.data", "inner.data", "sub/more.data"]);
});

test("a file that has its weights inside has none outside", async () => {
  await using run = await CommandRun.create();
  const weights = create(TensorProtoSchema, { rawData: new Uint8Array(100_000).fill(0x6a) });
  expect(await locations(run, { initializer: [weights] })).toEqual([]);
});

test("weights outside of the file's folder are refused", async () => {
  await using run = await CommandRun.create();
  for (const path of ["../x", "/etc/passwd", "a/../../x", "a\\x", "C:\\x", "a//x"])
    await expect(locations(run, { initializer: [tensor(path)] })).rejects.toThrow("is refused");
});

test("what is no ONNX file, or is cut, is an error", async () => {
  await using run = await CommandRun.create();
  await locations(run, { initializer: [tensor("all.data")] });
  const bytes = await Bun.file(run.path("m.onnx")).bytes();
  for (const content of [bytes.subarray(0, -3), new TextEncoder().encode("<!doctype html>")]) {
    await Bun.write(run.path("bad.onnx"), content);
    expect(() => externalDataOf(run.path("bad.onnx"), "bad.onnx")).toThrow(
      "bad.onnx is not an ONNX file",
    );
  }
});
