import { expect, test } from "bun:test";
import type { InferenceResult } from "../../../../src/engine/device/loaded-model.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { ModelJson } from "../../../../src/engine/models/model-json.ts";
import type { Moment } from "../../../../src/engine/models/roles/role.ts";
import { type NodeInput, RunningNode } from "../../../../src/engine/plan/plan-node.ts";
import { defaultControls } from "../../../../src/engine/prompts/controls.ts";
import { UNRECORDED_CALLS } from "../../../../src/engine/protocol/call-journal.ts";
import type { Size } from "../../../../src/engine/protocol/work.ts";
import type { Picture } from "../../../../src/media/picture.ts";
import { FakeModel } from "../../../support/fake-model.ts";
import { signature } from "../../../support/signature.ts";
import { waitFor } from "../../../support/wait-for.ts";

const SIZE = { width: 4, height: 2 };
const VIDEO = signature(["x float32 [1, 3, H, W]", "gain float32 [1]"], ["y float32 [1, 3, H, W]"]);
/** Depends on its parameter alone. */
const STATIC = signature(["gain float32 [1]"], ["code float32 [1, 4]"]);

const frame = (level: number, { width, height }: Size = SIZE): Picture => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(level),
});

/** A node of a model whose runs are numbered: each gives a picture of the run's number, and data with it. */
function nodeOf(json: ModelJson, graph = VIDEO, { isFeeder = false } = {}) {
  const model = new FakeModel(defineModel("m", json, graph), () => answer(model.runs.length));
  const options = {
    key: "s",
    calls: UNRECORDED_CALLS,
    signal: new AbortController().signal,
  };
  const node = new RunningNode({ model: "m", isFeeder }, model, options);
  let made = 0;
  const input = (level: number | null, params: Moment["params"] = {}, size = SIZE): NodeInput => ({
    pictures: async () => {
      made++;
      return { picture: level === null ? null : frame(level, size), original: null };
    },
    size,
    hasVideo: level !== null,
    moment: {
      params,
      prompts: [],
      graphs: [],
      timeSeconds: 0,
      size,
      outputSize: size,
      sum: () => 0,
      text: () => defaultControls(),
      upstream: () => null,
      picture: () => null,
    },
    deadline: undefined,
  });
  /** The number of the run whose picture this frame shows. */
  const shown = async (...args: Parameters<typeof input>) =>
    (await node.run(input(...args))).picture?.data[0];
  return { node, model, input, shown, made: () => made };
}

const answer = (number: number): InferenceResult => ({
  picture: frame(number),
  data: { code: { dtype: "float32", dims: [1], data: Float32Array.of(number) } },
  inferenceMs: 5,
});

test("a model runs on every frame, with the stream's key and the values of its ports", async () => {
  const { model, shown, node, input } = nodeOf({});
  expect([await shown(1), await shown(1)]).toEqual([1, 2]);
  await node.run({ ...input(1, { gain: 0.25 }), deadline: 77 });
  expect(model.runs[2]).toMatchObject({
    key: "s",
    size: SIZE,
    values: { gain: 0.25 },
    deadline: 77,
  });
  expect(model.runs[0]).not.toHaveProperty("deadline");
});

test("on every third frame: those between show its last result, took no time and need no picture", async () => {
  const { model, shown, made, node, input } = nodeOf({ run: { every: 3 } });
  const frames: (number | undefined)[] = [];
  for (let at = 0; at < 7; at++) frames.push(await shown(at));
  expect(frames).toEqual([1, 1, 1, 2, 2, 2, 3]);
  expect([model.runs.length, made()]).toEqual([3, 3]);
  expect(await node.run(input(7))).toMatchObject({ inferenceMs: 0, isKept: true });
});

test("a model that failed on its turn runs on the next frame, not three later, while it has no result", async () => {
  const { model, shown } = nodeOf({ run: { every: 3 } });
  model.answer = () => Promise.reject(new Error("it fails"));
  const failed = await shown(1).then(
    () => null,
    (error: Error) => error.message,
  );
  expect(failed).toBe("it fails");
  model.answer = () => answer(9);
  expect(await shown(2)).toBe(9);
});

test("frames that equal the one before are skipped where the model asks for it", async () => {
  const { model, shown } = nodeOf({ run: { skip_unchanged: true } });
  expect([await shown(1), await shown(1), await shown(2), await shown(2), await shown(1)]).toEqual([
    1, 1, 2, 2, 3,
  ]);
  expect(model.runs.length).toBe(3);
});

test("an unchanged frame is run again when a parameter or the size changes", async () => {
  const { shown } = nodeOf({ run: { skip_unchanged: true } });
  expect(await shown(1)).toBe(1);
  expect(await shown(1, { gain: 0.5 })).toBe(2);
  expect(await shown(1, { gain: 0.5 })).toBe(2);
  expect(await shown(1, { gain: 0.5 }, { width: 8, height: 4 })).toBe(3);
});

test("a frame on which the model failed is run again, though it has not changed", async () => {
  const { model, shown } = nodeOf({ run: { skip_unchanged: true } });
  expect(await shown(1)).toBe(1);
  model.answer = () => Promise.reject(new Error("it fails"));
  for (let attempt = 0; attempt < 2; attempt++) {
    const failed = await shown(2).then(
      () => null,
      (error: Error) => error.message,
    );
    expect(failed).toBe("it fails");
  }
  model.answer = () => answer(9);
  expect(await shown(2)).toBe(9);
});

test("a picture that moved to the worker is compared by what it was", async () => {
  const { model, shown } = nodeOf({ run: { skip_unchanged: true } });
  model.answer = ({ picture }) => {
    picture?.data.fill(0); // as a transfer would leave nothing of it
    return answer(model.runs.length);
  };
  expect([await shown(1), await shown(1), await shown(0)]).toEqual([1, 1, 2]);
});

test("a model without video or clock runs once for each change of its parameters", async () => {
  const { model, shown } = nodeOf({}, STATIC);
  await shown(null);
  await shown(null);
  expect(model.runs.length).toBe(1);
  await shown(null, { gain: 0.5 });
  await shown(null, { gain: 0.5 });
  expect(model.runs.length).toBe(2);
  await shown(null, { gain: 0.5 }, { width: 8, height: 8 });
  expect(model.runs.length).toBe(3);
});

test("a model that can do without video runs on changes only while there is none", async () => {
  const json = { inputs: { x: { role: "frame", optional: true } } };
  const { model, shown } = nodeOf(json);
  await shown(null);
  await shown(null);
  expect(model.runs.length).toBe(1);
  await shown(3);
  await shown(3);
  expect(model.runs.length).toBe(3);
});

test("a result is kept where it may be shown again, and is the caller's elsewhere", async () => {
  const isKept = async (json: ModelJson, graph = VIDEO) => {
    const { node, input } = nodeOf(json, graph);
    return (await node.run(input(1))).isKept;
  };
  expect(await isKept({})).toBe(false);
  expect(await isKept({ run: { every: 2 } })).toBe(true);
  expect(await isKept({ run: { skip_unchanged: true } })).toBe(true);
  expect(await isKept({}, STATIC)).toBe(true);
});

test("only the first run of a feeder is waited for; later ones run behind the frames", async () => {
  const { node, model, input } = nodeOf({}, STATIC, { isFeeder: true });
  const code = () => node.output("code")?.data[0];
  expect(code()).toBeUndefined();
  await node.feed(input(null));
  expect(code()).toBe(1);
  const { promise, resolve } = Promise.withResolvers<InferenceResult>();
  model.answer = () => promise;
  for (let at = 0; at < 3; at++) await node.feed(input(null, { gain: 0.5 }));
  expect([model.runs.length, code()]).toEqual([2, 1]);
  resolve(answer(2));
  await waitFor("the feeder's second result", () => code() === 2);
  await node.feed(input(null, { gain: 0.5 }));
  expect(model.runs.length).toBe(2);
});

test("a feeder catches up with the newest parameters, not with each of those between", async () => {
  const { node, model, input } = nodeOf({}, STATIC, { isFeeder: true });
  await node.feed(input(null));
  const { promise, resolve } = Promise.withResolvers<InferenceResult>();
  model.answer = () => promise;
  for (const gain of [0.1, 0.2, 0.3]) await node.feed(input(null, { gain }));
  model.answer = () => answer(3);
  resolve(answer(2));
  await waitFor("the second result", () => node.output("code")?.data[0] === 2);
  await waitFor("the newest parameters", async () => {
    await node.feed(input(null, { gain: 0.3 }));
    return node.output("code")?.data[0] === 3;
  });
  expect(model.runs.map(({ values }) => values["gain"])).toEqual([1, 0.1, 0.3]);
});

test("a feeder's first failure is the frame's; a later one is tried again while the last outputs stay", async () => {
  const { node, model, input } = nodeOf({}, STATIC, { isFeeder: true });
  model.answer = () => Promise.reject(new Error("it fails"));
  const failed = await node.feed(input(null)).then(
    () => null,
    (error: Error) => error.message,
  );
  expect(failed).toBe("it fails");
  model.answer = () => answer(1);
  await node.feed(input(null));
  model.answer = () => Promise.reject(new Error("it fails"));
  await waitFor("a second try", async () => {
    await node.feed(input(null, { gain: 0.5 }));
    return model.runs.length >= 4;
  });
  expect(node.output("code")?.data[0]).toBe(1);
  model.answer = () => answer(2);
  await waitFor("the new outputs", async () => {
    await node.feed(input(null, { gain: 0.5 }));
    return node.output("code")?.data[0] === 2;
  });
});

test("a feeder that sees the video runs with every frame, before the model that it feeds", async () => {
  const { node, model, input } = nodeOf({}, VIDEO, { isFeeder: true });
  for (let at = 1; at <= 3; at++) {
    await node.feed(input(at));
    expect([model.runs.length, node.output("code")?.data[0]]).toEqual([at, at]);
  }
});

test("a feeder's failure in the background is reported until a run succeeds", async () => {
  const { node, model, input } = nodeOf({}, STATIC, { isFeeder: true });
  await node.feed(input(null));
  model.answer = () => Promise.reject(new Error("it fails"));
  await node.feed(input(null, { gain: 0.5 }));
  await waitFor("the failure", () => node.feedError?.message === "it fails");
  model.answer = () => answer(2);
  await waitFor("a success", async () => {
    await node.feed(input(null, { gain: 0.5 }));
    return node.feedError === null;
  });
});

test("a feeder in the background may take longer than the frame may wait", async () => {
  const { node, model, input } = nodeOf({}, STATIC, { isFeeder: true });
  await node.feed({ ...input(null), deadline: 77 });
  await node.feed({ ...input(null, { gain: 0.5 }), deadline: 78 });
  await waitFor("the second run", () => model.runs.length === 2);
  expect(model.runs.map(({ deadline }) => deadline)).toEqual([77, undefined]);
});

test("frames of one size share a lane; another size begins a new one, and the model forgets the last", async () => {
  const { model, shown } = nodeOf({});
  await shown(1);
  await shown(2);
  await shown(3, {}, { width: 8, height: 4 });
  await shown(4);
  const lanes = model.runs.map(({ lane }) => lane);
  expect(lanes[1]).toBe(lanes[0] ?? "");
  expect(new Set(lanes).size).toBe(3);
  expect(model.forgotten).toEqual([lanes[1] ?? "", lanes[2] ?? ""]);
});

test("the model forgets the node's state when the node ends", async () => {
  const { node, model, shown } = nodeOf({});
  await shown(1);
  node.dispose();
  expect(model.forgotten).toEqual(model.runs.map(({ lane }) => lane));
});

test("a run that ends after its node leaves no state behind", async () => {
  const { node, model, input } = nodeOf({});
  const { promise, resolve } = Promise.withResolvers<InferenceResult>();
  model.answer = () => promise;
  const running = node.run(input(1));
  await waitFor("the run", () => model.runs.length === 1);
  node.dispose();
  expect(model.forgotten).toEqual([]);
  resolve(answer(1));
  await running;
  expect(model.forgotten).toEqual(model.runs.map(({ lane }) => lane));
});

test("nodes of the same stream and model have lanes of their own", async () => {
  const [one, other] = [nodeOf({}), nodeOf({})];
  await one.shown(1);
  await other.shown(1);
  expect(one.model.runs[0]?.lane).not.toBe(other.model.runs[0]?.lane ?? "");
});
