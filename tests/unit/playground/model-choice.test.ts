/** Tests which model the playground chooses for a source of video. */
import { expect, test } from "bun:test";
import type { Model } from "../../../src/playground/api.ts";
import { firstModel, fits, promptedModel } from "../../../src/playground/model-choice.ts";

const model = (name: string, its: Partial<Model> = {}): Model => ({
  name,
  description: "",
  source: "built-in",
  state: "ready",
  license: "",
  takes_video: true,
  needs_video: true,
  takes_prompts: false,
  device: "cpu",
  params: [],
  presets: {},
  data: [],
  ...its,
});
const generates = { takes_video: false, needs_video: false, takes_prompts: true };

test("the default model fits the source and has not failed", () => {
  const models = [model("identity"), model("edges"), model("test-card", generates)];
  expect(firstModel(models, "none")).toBe("test-card");
  expect(firstModel(models, "video")).toBe("edges");
  const failed = model("dreamscape", { ...generates, state: "failed" });
  expect(firstModel([failed, ...models], "none")).toBe("test-card");
  expect(firstModel([], "none")).toBe("");
});

test("a model that takes video and does not need it runs with and without", () => {
  const painter = model("painter", { needs_video: false });
  expect(fits(painter, "video")).toBe(true);
  expect(fits(painter, "none")).toBe(true);
  expect(firstModel([model("mixer"), painter], "none")).toBe("painter");
  // One that is made for drawing without video comes first.
  expect(firstModel([painter, model("terrain", generates)], "none")).toBe("terrain");
});

test("a described scene is not given to the model that runs graphs", () => {
  const comfy = model("comfyui", { needs_video: false, takes_prompts: true });
  const models = [comfy, model("describer", generates)];
  expect(promptedModel(models, comfy, "none")).toBe("describer");
});

test("a described scene is given to a model that takes prompts", () => {
  const models = [
    model("painter"),
    model("describer", generates),
    model("restyle", { takes_prompts: true }),
  ];
  expect(promptedModel(models, models[0] ?? null, "none")).toBe("describer");
  expect(promptedModel(models, models[0] ?? null, "video")).toBe("restyle");
  expect(promptedModel(models, models[1] ?? null, "none")).toBe("describer");
  expect(promptedModel(models.slice(0, 1), models[0] ?? null, "none")).toBe("painter");
});
