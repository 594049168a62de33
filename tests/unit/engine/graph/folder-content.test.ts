/** What model folders hold, against what the inputs that name them need. */
import { expect, test } from "bun:test";
import { type FolderContent, folderFault } from "../../../../src/engine/graph/folder-content.ts";
import { namedFiles } from "../../../../src/engine/graph/graph-files.ts";
import type { FileKind } from "../../../../src/engine/graph/input-declaration.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { GraphSignature } from "../../../../src/engine/models/tensor-signature.ts";

const PICTURE = [1, 3, "h", "w"] as const;
const SIGNATURE: GraphSignature = {
  inputs: [{ name: "x", dtype: "float32", dims: PICTURE }],
  outputs: [{ name: "y", dtype: "float32", dims: [1, 1, "h", "w"] }],
  metadata: new Map(),
  opset: 17,
};
/** A depth network whose picture remembers its range from frame to frame. */
const depth: FolderContent = {
  kind: "network",
  definition: defineModel("depth", { outputs: { y: { role: "heat" } } }, SIGNATURE),
};
const pipeline: FolderContent = {
  kind: "pipeline",
  files: ["unet", "text_encoder", "vae_decoder"].map((part) => `${part}/model.onnx`),
};
const other: FolderContent = {
  kind: "other",
  problem: "model.json is missing",
  files: ["vae_encoder/model.onnx"],
};
const nothing: FolderContent = { kind: "other", problem: "model.json is missing", files: [] };

test.each<[FileKind, string, FolderContent, string | null]>([
  ["checkpoint", "a pipeline", pipeline, null],
  ["checkpoint", "a network", depth, "is a single network, not a pipeline: OnnxModel runs it"],
  ["controlnet", "a pipeline without one", pipeline, "has no controlnet/model.onnx"],
  ["vae", "half of one", other, null],
  ["vae", "a folder without one", nothing, "has no vae_decoder/model.onnx or vae_encoder/"],
  ["diffusion_model", "other parts alone", other, "has no unet/model.onnx: export"],
  ["model", "a pipeline", pipeline, "is a pipeline: CheckpointLoaderSimple"],
  ["model", "a network that remembers", depth, "remembers earlier frames"],
  ["depth_model", "a network whose picture remembers, which is not read", depth, null],
  ["depth_model", "no model", other, "cannot be used: model.json is missing"],
  ["image", "no model folder at all", other, null],
])("%s: %s", (kind, _, content, fault) => {
  const found = folderFault(kind, content);
  if (fault === null) expect(found).toBeNull();
  else expect(found).toStartWith(fault);
});

test("lists name what a loader can use; any folder is found by its name, so that its fault can be told", () => {
  const names = ["sd", "candy", "half", "broken"];
  const contents = new Map<string, FolderContent>([
    ["sd", pipeline],
    ["candy", depth],
    ["half", other],
    ["broken", nothing],
  ]);
  const kinds = ["checkpoint", "diffusion_model", "text_encoder", "vae", "controlnet"] as const;
  const lists = Object.fromEntries([...kinds, "depth_model" as const].map((one) => [one, names]));
  const files = namedFiles(lists, contents);
  expect(kinds.map((kind) => files.list(kind))).toEqual([
    ["sd"],
    ["sd"],
    ["sd"],
    ["sd", "half"],
    [],
  ]);
  expect(files.list("depth_model")).toEqual(["candy"]);
  expect(files.find("checkpoint", "Candy.safetensors")).toBe("candy");
});
