/** Builds a model that takes a given time on this machine: a chain of blurs, timed before use. */
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { quantile } from "./report.ts";

const MOST_BLURS = 1500;
const RUNS = 15;
/** The number of blurs is corrected so often, since a busy machine may mislead single measurements. */
const CORRECTIONS = 3;
/** Near enough to the time asked for. */
const TOLERANCE = 0.05;

/** Writes `models/<name>` into a workspace; it takes about `aimMs` a picture of this size on one idle core. */
export async function writeCalibratedModel(
  workspace: string,
  name: string,
  aimMs: number,
  size: { readonly width: number; readonly height: number },
): Promise<void> {
  // Two measurements give the cost of a blur and the cost of the graph without any.
  const [few, many] = [await timeOf(blurs(4), size), await timeOf(blurs(12), size)];
  const rest = few - ((many - few) / 8) * 4;
  let count = 12;
  let took = many;
  for (let correction = 0; correction < CORRECTIONS; correction++) {
    if (Math.abs(took / aimMs - 1) < TOLERANCE) break;
    count = Math.round((count * (aimMs - rest)) / Math.max(took - rest, took / 2));
    count = Math.min(MOST_BLURS, Math.max(1, count));
    took = await timeOf(blurs(count), size);
  }
  const folder = join(workspace, "models", name);
  await Bun.write(join(folder, "model.onnx"), blurs(count));
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

/** Milliseconds of a run, with the engine's session settings: a low quantile, which other programs disturb least. */
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
  return quantile(times, 0.2);
}
