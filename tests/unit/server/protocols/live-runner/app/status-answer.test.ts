import { expect, test } from "bun:test";
import { check } from "../../../../../../src/schema-check.ts";
import {
  StatusAnswer,
  type StatusFacts,
  statusAnswer,
} from "../../../../../../src/server/protocols/live-runner/app/status-answer.ts";
import { model } from "../../../../../support/stand-in-models.ts";

const painter = model("painter", {
  execution_provider: "cuda",
  presets: { bold: { strength: 2 }, faint: { strength: 0.25 } },
  params: [
    {
      type: "number",
      name: "strength",
      description: "how much",
      default: 1,
      min: 0,
      max: 2,
      integer: false,
    },
    { type: "number", name: "steps", description: "", default: 1, min: 1, max: 8, integer: true },
    { type: "switch", name: "outline", description: "", default: false },
    { type: "trigger", name: "reset", description: "", default: 0 },
    { type: "picture", name: "style", description: "" },
  ],
});
const warm = { compute: "warm", estimatedMs: 0, lastLoadMs: 2500, stateAgeMs: 1250 } as const;
const status = (given: Partial<StatusFacts> = {}) =>
  statusAnswer({
    model: painter,
    modelName: "painter",
    startup: warm,
    app: "live/painter",
    session: null,
    capacity: 4,
    capacityUsed: 1,
    fallbacks: ["default", "hold"],
    gpu: null,
    ...given,
  });

test("the status describes the model, its load and the room that is left", () => {
  const gpu = { id: "0", name: "RTX 4090", vram_mb: 24_564 };
  const answer = status({ gpu });
  expect(check(StatusAnswer).Check(answer)).toBeTrue();
  expect(answer).toMatchObject({
    compute: "warm",
    state: "ready",
    state_age_s: 1.25,
    model_loaded: true,
    estimated_startup_s: 0,
    last_load_s: 2.5,
    policy: "on-demand",
    error: null,
    gpu,
    capacity: 4,
    capacity_used: 1,
    session: null,
    presets: ["bold", "faint"],
    pipeline: { name: "comfystream", app: "live/painter", model: "painter", runtime: "cuda" },
    fallbacks: ["default", "hold"],
  });
});

test("parameters are described by type, those of the model and those of every stream", () => {
  const { params } = status();
  expect(params).toMatchObject({
    strength: { type: "float", description: "how much", minimum: 0, maximum: 2 },
    steps: { type: "int", minimum: 1, maximum: 8 },
    outline: { type: "bool" },
    reset: { type: "int" },
    style: { type: "str" },
    prompt: { type: "str" },
    width: { type: "int", minimum: 64, maximum: 4096 },
    fps: { type: "float", minimum: 1, maximum: 60 },
  });
  expect(params).not.toHaveProperty("audio");
});

test("a model without prompts takes none", () => {
  const { params } = status({ model: { ...painter, takes_prompts: false } });
  expect(Object.keys(params)).not.toContain("prompt");
  expect(Object.keys(params)).not.toContain("negative_prompt");
});

test("before any engine has listed its models the status has the name of the default model", () => {
  const startup = { ...warm, compute: "loading", estimatedMs: null, lastLoadMs: null } as const;
  const answer = status({ model: null, modelName: "restyle", startup });
  expect(check(StatusAnswer).Check(answer)).toBeTrue();
  expect(answer).toMatchObject({
    compute: "loading",
    state: "cold",
    model_loaded: false,
    params: {},
    presets: [],
    pipeline: { model: "restyle", runtime: "onnxruntime" },
  });
});

test("a caller sees its own session and what is wrong with it, or else with the model", () => {
  const failed = { ...painter, state: "failed", error: "no such file" } as const;
  expect(status({ model: failed })).toMatchObject({ error: "no such file", session: null });
  const session = { id: "sess-1", error: "the model failed" };
  expect(status({ session })).toMatchObject({ error: "the model failed", session: "sess-1" });
});
