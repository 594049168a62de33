import { expect, test } from "bun:test";
import { describeModel } from "../../../../src/engine/device/model-info.ts";
import type { CatalogueEntry } from "../../../../src/engine/models/catalogue-entry.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { ModelJson } from "../../../../src/engine/models/model-json.ts";
import { signature } from "../../../support/signature.ts";

const graph = signature(["x float32 [1, 3, H, W]"], ["y float32 [1, 3, H, W]"]);

const infoOf = (json: ModelJson) => {
  const definition = defineModel("m", json, graph);
  const entry: CatalogueEntry = {
    state: "usable",
    name: "m",
    source: "models/m",
    stamp: "",
    files: [],
    bytes: 0,
    definition,
    program: { path: "model.onnx" },
  };
  return describeModel(entry, () => null);
};

test("where a network comes from, and its licence, are told as model.json states them", () => {
  const json = { license: "MIT", homepage: "https://models.example/m" };
  expect(infoOf(json)).toMatchObject(json);
  expect(infoOf({})).toMatchObject({ license: "" });
  expect(infoOf({})).not.toHaveProperty("homepage");
});
