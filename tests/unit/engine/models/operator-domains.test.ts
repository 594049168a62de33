/** Operators that ONNX Runtime's released libraries do not contain are named with what they need. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "onnx-buf";
import { missingDomains } from "../../../../src/engine/models/operator-domains.ts";

const node = (domain: string, opType: string): NodeProto =>
  create(NodeProtoSchema, { domain, opType });

const modelOf = (...nodes: NodeProto[]): ModelProto =>
  create(ModelProtoSchema, { graph: create(GraphProtoSchema, { node: nodes }) });

test("operators of ONNX, of ai.onnx.ml and of com.microsoft are there", () => {
  const model = modelOf(
    node("", "Conv"),
    node("ai.onnx", "Relu"),
    node("ai.onnx.ml", "Scaler"),
    node("com.microsoft", "QLinearAdd"),
  );
  expect(missingDomains(model)).toEqual([]);
});

test("a missing domain is named with its operators and the library that has them", () => {
  const model = modelOf(
    node("com.microsoft.extensions", "DecodeImage"),
    node("com.microsoft.extensions", "EncodeImage"),
    node("my.company", "Blend"),
  );
  expect(missingDomains(model)).toEqual([
    "com.microsoft.extensions (DecodeImage, EncodeImage), which needs onnxruntime-extensions",
    "my.company (Blend), which needs a library of custom operators",
  ]);
});

test("operators inside a branch are found", () => {
  const branch = create(GraphProtoSchema, { node: [node("mmdeploy", "NMSRotated")] });
  const outer = create(NodeProtoSchema, {
    opType: "If",
    attribute: [create(AttributeProtoSchema, { name: "then_branch", g: branch })],
  });
  expect(missingDomains(modelOf(outer))).toEqual([
    "mmdeploy (NMSRotated), which needs MMDeploy's operator library",
  ]);
});

test("functions that the file defines itself need no library, but what they call may", () => {
  const model = modelOf(node("pkg.local", "Double"));
  const body = [node("ai.onnx.contrib", "Inverse")];
  model.functions.push(
    create(FunctionProtoSchema, { domain: "pkg.local", name: "Double", node: body }),
  );
  expect(missingDomains(model)).toEqual([
    "ai.onnx.contrib (Inverse), which needs onnxruntime-extensions",
  ]);
});

test("many operators of one domain are listed in part", () => {
  const model = modelOf(...["A", "B", "C", "D", "E"].map((name) => node("x", name)));
  expect(missingDomains(model)[0]).toContain("x (A, B, C, D and others)");
});
