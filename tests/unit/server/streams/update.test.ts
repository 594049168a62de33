import { expect, test } from "bun:test";
import type { ModelInfo } from "../../../../src/engine/protocol/models.ts";
import { Admission } from "../../../../src/server/admission.ts";
import { byocProtocol } from "../../../../src/server/protocols/byoc/byoc-protocol.ts";
import type { ControlProtocol } from "../../../../src/server/protocols/control-protocol.ts";
import { liveRunnerProtocol } from "../../../../src/server/protocols/live-runner/live-runner-protocol.ts";
import { seedProtocol } from "../../../../src/server/protocols/seed/seed-protocol.ts";
import { CLOCK_DEFAULTS } from "../../../../src/server/streams/params.ts";
import { type StreamHost, StreamStore } from "../../../../src/server/streams/store.ts";
import { StreamUpdater } from "../../../../src/server/streams/update.ts";

const model = (name: string, params: ModelInfo["params"] = []): ModelInfo => ({
  name,
  description: "",
  source: `models/${name}`,
  state: "ready",
  license: "",
  takes_video: true,
  needs_video: false,
  takes_prompts: false,
  device: "cpu",
  params,
  presets: {},
  data: [],
});
const strength = { name: "strength", default: 1, min: 0, max: 2, integer: false } as const;
const PAINT: ModelInfo = {
  ...model("paint", [
    { type: "number", description: "", ...strength },
    { type: "number", description: "", ...strength, name: "grain" },
  ]),
  presets: { bold: { strength: 2 } },
};

const DRAW: ModelInfo = { ...model("draw"), takes_prompts: true };

/** A stream that runs the model `paint`, and the models of the workspace. */
async function running(protocol: ControlProtocol = seedProtocol) {
  let models = [PAINT, model("edges"), DRAW];
  const host: StreamHost = {
    start: (stream) => stream.receive({ type: "started", id: stream.id }),
    update() {},
    stop: (stream) => stream.receive({ type: "ended", id: stream.id }),
  };
  const store = new StreamStore(host, { admission: new Admission(1), historyMs: 1000 });
  const updater = new StreamUpdater(
    { models: { use: async (read) => read(models) }, ask: async () => [] },
    store,
    { check: async () => {} },
  );
  const params = { ...CLOCK_DEFAULTS, model: "paint" };
  const stream = await store.start({
    id: "a",
    protocol,
    channels: { stream_url: null, input_url: null },
    capability: null,
    spec: { container: "fmp4", segment_seconds: 1, audio: "auto" },
    params,
    defaults: CLOCK_DEFAULTS,
  });
  updater.started(stream, PAINT);
  const remove = (name: string): void => {
    models = models.filter((one) => one.name !== name);
  };
  return { stream, updater, remove };
}

test.each([
  [seedProtocol, { strength: 2, grain: 0.5 }],
  [liveRunnerProtocol, { strength: 2 }],
] as const)(
  "a preset in an update changes the present parameters, or the model's defaults",
  async (protocol, params) => {
    const { stream, updater } = await running(protocol);
    await updater.apply(stream, { strength: 0.1, grain: 0.5 });
    await updater.apply(stream, { preset: "bold" });
    expect(stream.params.model_params).toEqual(params);
    await updater.apply(stream, { preset: "bold", strength: 1.5 });
    expect(stream.params.model_params).toEqual({ ...params, strength: 1.5 });
    await updater.apply(stream, { fps: 12, preset: null });
    expect(stream.params.model_params).toEqual({ ...params, strength: 1.5 });
  },
);

test("a stream whose model is removed from the workspace can still be updated", async () => {
  const { stream, updater, remove } = await running();
  remove("paint");
  expect(await updater.apply(stream, { strength: 0.5, paused: true, nothing: 1 })).toEqual({
    ignored: ["nothing"],
    warnings: [],
  });
  expect(stream.params).toMatchObject({
    model: "paint",
    paused: true,
    model_params: { strength: 0.5 },
  });
  await expect(updater.apply(stream, { strength: 9 })).rejects.toThrow("strength");
});

test("a removed model cannot be chosen again once its stream has left it", async () => {
  const { stream, updater, remove } = await running();
  remove("paint");
  await updater.apply(stream, { model: "edges" });
  await expect(updater.apply(stream, { model: "paint" })).rejects.toThrow("is unknown");
});

test("prompts cannot be taken from a model that a start must give some", async () => {
  const { stream, updater } = await running();
  const prompts = [{ prompt: "a fox" }];
  await updater.apply(stream, { model: "draw", prompts: "a fox" });
  for (const none of [{ prompts: null }, { prompt: null }, { params: { prompts: null } }])
    await expect(updater.apply(stream, none)).rejects.toThrow("prompts is required by model draw");
  expect(stream.params).toMatchObject({ model: "draw", prompts });
  await updater.apply(stream, { model: "edges", prompts: null });
  expect(stream.params).toMatchObject({ model: "edges", prompts: [] });
});

test("null takes the prompts from a stream that may start without", async () => {
  const { stream, updater } = await running(byocProtocol());
  await updater.apply(stream, { model: "draw", prompts: "a fox" });
  await updater.apply(stream, { prompts: null });
  expect(stream.params.prompts).toEqual([]);
});
