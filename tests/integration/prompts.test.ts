/** A stream's prompts on their way into a model of the workspace, frame by frame, through the real executor. */
import { expect, test } from "bun:test";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { OFFSETS, VECTOR_LENGTH } from "../../src/engine/prompts/controls.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { TICKS_PER_SECOND, ticks } from "../../src/media/time.ts";
import { OnnxWorkspace, sample } from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

/** A picture that is as bright as the prompt's control `night` is high. */
function gauge(): Uint8Array {
  const graph = new GraphBuilder();
  const text = graph.input("prompts", "float32", [1, "controls"]);
  const ints = (...values: number[]) => graph.constant("int64", [values.length], values);
  const night = graph.node("Slice", [text, ints(OFFSETS.night), ints(OFFSETS.night + 1), ints(1)]);
  const place = graph.node("Reshape", [night, ints(1, 1, 1, 1)]);
  const picture = graph.node("Expand", [place, ints(1, 3, 64, 64)]);
  graph.output("y", picture, "float32", [1, 3, 64, 64]);
  return graph.build("gauge");
}

const GAUGE = { inputs: { prompts: { role: "text", encoder: "lexicon" } } };

const asking = (prompt: string): StreamParams => ({
  prompts: [{ prompt }],
  model: "gauge",
  size: { width: 64, height: 64 },
  fit: "cover",
  paused: false,
  model_params: {},
});

test("prompts reach a model of the workspace, and a change takes a second of media time", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("gauge", GAUGE, gauge());
  await using host = await workspace.host();
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const { signal } = new AbortController();
  const executor = new PlanExecutor({
    calls: UNRECORDED_CALLS,
    host,
    converter,
    key: "stream",
    hasInput: false,
    signal,
  });
  const [day, night] = [asking("a day at the lake"), asking("a night at the lake")];
  await executor.prepare(day);

  const shown = async (params: StreamParams, seconds: number): Promise<number> => {
    const pts = ticks(Math.round(seconds * TICKS_PER_SECOND));
    const size = { width: 64, height: 64 };
    const { picture } = await executor.draw({ frame: null, pts, size, params });
    return sample(picture, 1, 32, 32);
  };
  expect(await shown(day, 4)).toBeLessThanOrEqual(1);
  expect(await shown(day, 5)).toBeLessThanOrEqual(1);
  await executor.prepare(night);
  const levels: number[] = [];
  for (let step = 1; step <= 10; step++) levels.push(await shown(night, 5 + step / 10));
  expect(levels).toEqual(levels.toSorted((a, b) => a - b));
  expect(levels[0]).toBeGreaterThan(30); // at once, for who typed it
  expect(levels[4]).toBeWithin(180, 205);
  expect(levels[8]).toBeLessThan(254);
  expect(levels[9]).toBeGreaterThanOrEqual(254);
});

test("without prompts a model gets the defaults, as many as there are controls", async () => {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("gauge", GAUGE, gauge());
  await using host = await workspace.host();
  const model = await host.acquire("gauge");
  expect(model.definition.inputs).toMatchObject([
    { role: "text", tensor: "prompts", dims: [1, VECTOR_LENGTH] },
  ]);
  const picture = await drawWith(model);
  expect(sample(picture, 0, 0, 0)).toBe(0);
});
