/** Plans of several models on real graphs: one feeds another, and what a plan shows of it. */
import { expect, test } from "bun:test";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { ticks } from "../../src/media/time.ts";
import { dataUri, pngFile } from "../support/image-files.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

/** The mean of each channel of a picture. */
function encoder(): Uint8Array {
  const graph = new GraphBuilder();
  const style = graph.input("style", "float32", [1, 3, 16, 16]);
  const mean = graph.node("GlobalAveragePool", [style]);
  graph.output("code", graph.squeeze(graph.squeeze(mean, 3), 2), "float32", [1, 3]);
  return graph.build("encoder");
}

/** A plain picture of the colour that it is given. */
function painter(): Uint8Array {
  const graph = new GraphBuilder();
  const code = graph.unsqueeze(graph.unsqueeze(graph.input("code", "float32", [1, 3]), 2), 3);
  const shape = graph.constant("int64", [4], [1, 3, 8, 8]);
  graph.output("y", graph.node("Expand", [code, shape]), "float32", [1, 3, 8, 8]);
  return graph.build("painter");
}

async function pair(): Promise<OnnxWorkspace> {
  const workspace = await OnnxWorkspace.create();
  const style = { role: "image", name: "style" };
  await workspace.add("encoder", { inputs: { style } }, encoder());
  const code = { from: { model: "encoder", output: "code" } };
  await workspace.add("painter", { inputs: { code } }, painter());
  return workspace;
}

const plainUri = async (level: number): Promise<string> => {
  const data = new Uint8Array(16 * 16 * 3).fill(level);
  return dataUri("png", await pngFile({ width: 16, height: 16, data }));
};

const PARAMS: StreamParams = {
  prompts: [],
  model: "painter",
  fit: "cover",
  paused: false,
  model_params: {},
};

test("a single picture is drawn with what the models that feed it make of the pictures uploaded", async () => {
  await using workspace = await pair();
  await using host = await workspace.host();
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const level = async (model_params: ParamValues): Promise<number | undefined> => {
    const { signal } = new AbortController();
    using executor = new PlanExecutor({
      ...{ host, converter, key: "", calls: UNRECORDED_CALLS, hasInput: false, signal },
    });
    const params = { ...PARAMS, model_params };
    await executor.prepare(params);
    const size = { width: 8, height: 8 };
    return (await executor.draw({ frame: null, pts: ticks(0), size, params })).picture.data[0];
  };
  expect(await level({ style: await plainUri(200) })).toBe(200);
  expect(await level({ style: await plainUri(40) })).toBe(40);
  expect(await level({})).toBe(128);
});
