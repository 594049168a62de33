import { expect, test } from "bun:test";
import type { LoadedModel } from "../../../../src/engine/device/loaded-model.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import { modelChain } from "../../../../src/engine/models/model-chain.ts";
import { PlanExecutor } from "../../../../src/engine/plan/executor.ts";
import { defaultControls, VECTOR_LENGTH } from "../../../../src/engine/prompts/controls.ts";
import { UNRECORDED_CALLS } from "../../../../src/engine/protocol/call-journal.ts";
import type { Size, StreamParams } from "../../../../src/engine/protocol/work.ts";
import { WorkerError } from "../../../../src/errors.ts";
import { ticks } from "../../../../src/media/time.ts";
import { FakeModel } from "../../../support/fake-model.ts";
import { signature } from "../../../support/signature.ts";
import { waitFor } from "../../../support/wait-for.ts";

const PROMPTED = signature(
  ["x float32 [1, 3, H, W]", `t float32 [${VECTOR_LENGTH}]`],
  ["y float32 [1, 3, H, W]"],
);
const TUNED = signature(["x float32 [1, 3, H, W]", "gain float32 [1]"], ["y float32 [1, 3, H, W]"]);
const PICTURES = signature(["x float32 [1, 3, H, W]"], ["y float32 [1, 3, H, W]"]);
const PROMPTS: StreamParams["prompts"] = [];

const params = (model: string): StreamParams => ({
  prompts: PROMPTS,
  model,
  fit: "cover",
  paused: false,
  model_params: {},
});

const SIZE = { width: 8, height: 4 };

/** A host whose models can be broken, lost and replaced; `load` is awaited in every load. Those named `prompted…` take prompts, `tuned…` a gain. */
function host(load: () => Promise<void> = async () => {}) {
  const asked: string[] = [];
  const encoded: string[] = [];
  const broken = new Set<string>();
  const models: FakeModel[] = [];
  const text = { t: { role: "text", encoder: "lexicon" } } as const;
  const gain = { gain: { role: "param", default: 1, min: 0, max: 9 } } as const;
  const definitionOf = (name: string) => {
    if (name.startsWith("prompted")) return defineModel(name, { inputs: text }, PROMPTED);
    if (name.startsWith("tuned")) return defineModel(name, { inputs: gain }, TUNED);
    return defineModel(name, {}, PICTURES);
  };
  const acquire = async (name: string): Promise<LoadedModel> => {
    asked.push(name);
    await load();
    if (broken.has(name)) throw new WorkerError("model_failed", `${name} is broken`);
    const model = new FakeModel(definitionOf(name));
    models.push(model);
    return model;
  };
  const runner = new PlanExecutor({
    calls: UNRECORDED_CALLS,
    host: {
      acquire,
      chain: async (name) => modelChain(definitionOf(name), () => null),
      loading: () => null,
      planGraphs: () => Promise.reject(new Error("no graphs here")),
      loadDeadlineMs: 1000,
      prompts: {
        encode: async (prompts) => {
          encoded.push(prompts[0]?.prompt ?? "");
          return defaultControls();
        },
      },
    },
    converter: { toPicture: async () => ({ ...SIZE, data: new Uint8Array(96) }) } as never,
    key: "s",
    hasInput: true,
    signal: new AbortController().signal,
  });
  const frame = {} as never; // the converter above does not look at it
  const draw = (model: string) =>
    runner.draw({ frame, pts: ticks(0), size: SIZE, params: params(model) });
  return { runner, asked, broken, models, encoded, draw };
}

const failure = (work: Promise<void>): Promise<unknown> =>
  work.then(
    () => null,
    (error) => error,
  );

test("a model is loaded once for as long as it is the one that is asked for", async () => {
  const { runner, asked } = host();
  await runner.prepare(params("a"));
  await runner.prepare(params("a"));
  expect(asked).toEqual(["a"]);
  expect([runner.runs(params("a")), runner.runs(params("b"))]).toEqual([true, false]);
});

test("a model that failed is tried again when it is asked for again, what ran goes on", async () => {
  const { runner, asked, broken } = host();
  await runner.prepare(params("a"));
  broken.add("b");
  expect(await failure(runner.prepare(params("b")))).toMatchObject({ kind: "model_failed" });
  expect(runner.runs(params("a"))).toBe(true);
  broken.delete("b");
  await runner.prepare(params("b"));
  expect(runner.runs(params("b"))).toBe(true);
  expect(asked).toEqual(["a", "b", "b"]);
});

test("a model whose thread has ended is loaded anew", async () => {
  const { runner, asked, models } = host();
  await runner.prepare(params("a"));
  for (const model of models) model.lost = true;
  expect(runner.isStale).toBe(true);
  await runner.prepare(params("a"));
  expect(runner.isStale).toBe(false);
  expect(asked).toEqual(["a", "a"]);
});

test("a model with a newer version runs until that one is there, and is changed for it", async () => {
  const { runner, asked, models } = host();
  await runner.prepare(params("a"));
  const [first] = runner.models;
  for (const model of models) model.outdated = true;
  const changeover = runner.prepare(params("a"));
  expect(runner.models[0]).toBe(first as LoadedModel);
  await changeover;
  expect(runner.models[0]).not.toBe(first as LoadedModel);
  expect([asked, runner.isStale]).toEqual([["a", "a"], false]);
});

test("a model that is replaced, or whose stream ends, forgets the stream's state", async () => {
  const { runner, models, draw } = host();
  await runner.prepare(params("a"));
  await draw("a");
  await runner.prepare(params("b"));
  await draw("b");
  expect(models.map(({ forgotten }) => forgotten.length)).toEqual([1, 0]);
  runner[Symbol.dispose]();
  expect(models.map(({ forgotten }) => forgotten.length)).toEqual([1, 1]);
});

test("a model runs by its own parameters while another loads, whose parameters begin with it", async () => {
  const loaded = [Promise.resolve(), new Promise<void>(() => {})];
  const { runner, models } = host(() => loaded.shift() ?? Promise.resolve());
  const of = (model: string, gain: number) => ({ ...params(model), model_params: { gain } });
  const gainOf = async (wanted: StreamParams) => {
    await runner.draw({ frame: {} as never, pts: ticks(0), size: SIZE, params: wanted });
    return models.at(-1)?.runs.at(-1)?.values["gain"];
  };
  await runner.prepare(of("tuned a", 2));
  expect(await gainOf(of("tuned a", 2))).toBe(2);
  expect(await gainOf(of("tuned a", 3))).toBe(3); // between two frames
  void runner.prepare(of("tuned b", 7)); // never ready
  expect(await gainOf(of("tuned b", 7))).toBe(3);
  await runner.prepare(of("tuned c", 5));
  expect(await gainOf(of("tuned c", 5))).toBe(5);
});

test("a frame is finished by the models that began it, and they forget it then", async () => {
  const { runner, models, draw } = host();
  await runner.prepare(params("a"));
  const { promise, resolve } = Promise.withResolvers<void>();
  const [first] = models;
  if (first === undefined) expect.unreachable("a model was acquired");
  first.answer = async ({ picture }) => {
    await promise;
    return { picture, data: {}, inferenceMs: 1 };
  };
  const drawn = draw("a");
  await waitFor("the run", () => first.runs.length === 1);
  await runner.prepare(params("b"));
  expect(first.forgotten).toEqual([]);
  resolve();
  expect((await drawn).picture).toMatchObject(SIZE);
  expect(first.forgotten.length).toBe(1);
});

test("prompts that change while the first model loads are those in use when it runs", async () => {
  const loaded = Promise.withResolvers<void>();
  const { runner, encoded } = host(() => loaded.promise);
  const of = (prompt: string) => ({ ...params("prompted"), prompts: [{ prompt }] });
  const newest = of("a lake");
  const begun = [runner.prepare(of("a town")), runner.prepare(newest)];
  loaded.resolve();
  await Promise.all(begun);
  expect([runner.runs(newest), encoded]).toEqual([true, ["a lake"]]);
});

test("prompts that change while another model loads are not replaced by those it was asked for with", async () => {
  const loaded = Promise.withResolvers<void>();
  const { runner } = host(async () => {
    if (runner.models.length > 0) await loaded.promise;
  });
  const of = (model: string, prompt: string) => ({ ...params(model), prompts: [{ prompt }] });
  await runner.prepare(of("prompted 1", "a town"));
  const newest = of("prompted 2", "a lake");
  const begun = [runner.prepare(of("prompted 2", "a town")), runner.prepare(newest)];
  loaded.resolve();
  await Promise.all(begun);
  expect(runner.runs(newest)).toBe(true);
});

const blank = ({ width, height }: Size) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3),
});

test("without input the test card has the size of the model that is shown, not of one that feeds it", async () => {
  const size = { width: 64, height: 32 };
  const feeder = defineModel(
    "feeder",
    {},
    signature(["x float32 [1, 3, 8, 8]"], ["code float32 [1, 4]"]),
  );
  const code = { from: { model: "feeder", output: "code" }, role: "from" };
  const shown = defineModel(
    "shown",
    { inputs: { code } },
    signature(["x float32 [1, 3, H, W]", "code float32 [1, 4]"], ["y float32 [1, 3, H, W]"]),
  );
  const card = new FakeModel(
    defineModel("test-card", { inputs: { x: { role: "frame", optional: true } } }, PICTURES),
    (job) => ({ picture: blank(job.size), data: {}, inferenceMs: 1 }),
  );
  const models = new Map<string, LoadedModel>([
    ["test-card", card],
    ["feeder", new FakeModel(feeder)],
    ["shown", new FakeModel(shown)],
  ]);
  const converter = {
    toFrame: async () => ({ free: () => {} }),
    toPicture: async (_: unknown, to: Size) => blank(to),
  } as never; // nothing else is needed of it
  using executor = new PlanExecutor({
    host: {
      acquire: async (name) => models.get(name) ?? expect.unreachable(name),
      chain: async () => modelChain(shown, () => feeder),
      loading: () => null,
      planGraphs: () => Promise.reject(new Error("no graphs here")),
      loadDeadlineMs: 1000,
      prompts: { encode: async () => defaultControls() },
    },
    converter,
    calls: UNRECORDED_CALLS,
    key: "s",
    hasInput: false,
    signal: new AbortController().signal,
  });
  await executor.prepare(params("shown"));
  await executor.draw({ frame: null, pts: ticks(0), size, params: params("shown") });
  expect(card.runs.map((job) => job.size)).toEqual([size]);
});

/** Loads end in the order in which their gates are opened. */
function gatedHost() {
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  let loads = 0;
  return { ...host(async () => await gates[loads++]?.promise), gates };
}

test("a model that is asked for again while its load is in progress is loaded, though the first load fails", async () => {
  const { runner, broken, gates, draw } = gatedHost();
  const [first, again] = [runner.prepare(params("a")), runner.prepare(params("a"))];
  broken.add("a");
  gates[0]?.resolve();
  await first; // it is not what was asked for last
  broken.delete("a");
  gates[1]?.resolve();
  await again;
  expect((await draw("a")).picture.width).toBe(SIZE.width);
});

test("an older load of a model that fails does not cancel a newer one", async () => {
  const { runner, broken, gates } = gatedHost();
  const first = runner.prepare(params("a"));
  const other = runner.prepare(params("b"));
  const again = runner.prepare(params("a"));
  broken.add("a");
  gates[0]?.resolve();
  await first;
  broken.delete("a");
  gates[2]?.resolve();
  await again;
  expect(runner.models.map(({ definition }) => definition.name)).toEqual(["a"]);
  gates[1]?.resolve();
  await other;
  expect(runner.models.map(({ definition }) => definition.name)).toEqual(["a"]);
});
