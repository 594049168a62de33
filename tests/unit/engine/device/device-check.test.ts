import { expect, test } from "bun:test";
import { wayOut } from "../../../../src/engine/device/device-check.ts";

test("a GPU that does not work names the libraries it wants, their versions, and where they belong", () => {
  const binary = wayOut("cuda:0", "binary");
  for (const part of [
    "CUDA 12 and cuDNN 9",
    "lib/ beside the binary",
    "ORT_LIB_DIR",
    "--device cpu",
  ])
    expect(binary).toContain(part);
  expect(wayOut("tensorrt:0", "binary")).toContain("TensorRT 10");
  expect(wayOut("cuda:0", "clone")).toContain("ONNXRUNTIME_NODE_INSTALL=cuda12");
  expect(wayOut("cuda:0", "clone")).not.toContain("ORT_LIB_DIR");
});

test("a CPU that does not work is a matter of ONNX Runtime's files, not of drivers", () => {
  expect(wayOut("cpu", "binary")).toContain("doctor compares its libraries in the cache folder");
  expect(wayOut("cpu", "binary")).not.toContain("driver");
});
