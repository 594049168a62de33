/** Builds a model that takes a given time on this machine: a chain of blurs, timed before use. */
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";

const MOST_BLURS = 200;
const RUNS = 15;

/** Writes `models/<name>` into a workspace; it takes about `aimMs` a picture of this size on one idle core. */
export async function writeCalibratedModel(
  workspace: string,
  name: string,
  aimMs: number,
  size: { readonly width: number; readonly height: number },
): Promise<void> {
  // Two measurements give the cost of a blur and the cost of the graph without any.
  const [few, many] = [await timeOf(blurs(4), size), await timeOf(blurs(12), size)];
  const each = (many - few) / 8;
  const count = Math.round(4 + (aimMs - few) / each);
  const folder = join(workspace, "models", name);
  await Bun.write(join(folder, "model.onnx"), blurs(Math.min(MOST_BLURS, Math.max(1, count))));
  await Bun.write(join(folder, "model.json"), JSON.stringify({ name, file: "model.onnx" }));
}

function blurs(count: number): Uint8Array {
  const graph = new GraphBuilder();
  let picture = graph.cast(
    graph.input("picture", "uint8", ["batch", 3, "height", "width"]),
    "float32",
  );
  const kernel = graph.constant("float32", [3, 1, 3, 3], new Array(27).fill(1 / 9));
  for (let n = 0; n < count; n++) {
    picture = graph.node("Conv", [picture, kernel], { group: 3n, pads: [1n, 1n, 1n, 1n] });
  }
  graph.output("image", graph.cast(picture, "uint8"), "uint8", ["batch", 3, "height", "width"]);
  return graph.build("blurs");
}

/** Median milliseconds of a run, with the engine's session settings. */
async function timeOf(
  model: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<number> {
  const session = await ort.InferenceSession.create(model, { ...parseDevice("cpu").settings });
  const data = new Uint8Array(3 * width * height).fill(100);
  const picture = new ort.Tensor("uint8", data, [1, 3, height, width]);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begun = performance.now();
    await session.run({ picture });
    times.push(performance.now() - begun);
  }
  await session.release();
  return times.sort((a, b) => a - b)[RUNS >> 1] ?? Number.NaN;
}
