/** Blurs pictures of many sizes, each in a session of its own, and prints by how many MiB that made this process grow. */
import { parseDevice } from "../../src/engine/device/devices.ts";
import { executionOrder } from "../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../src/engine/graph/node-classes.ts";
import { readGraph } from "../../src/engine/graph/read-graph.ts";
import { GraphRun } from "../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../src/engine/graph/run/image-sessions.ts";
import { ModelParts } from "../../src/engine/graph/run/model-parts.ts";
import { validate } from "../../src/engine/graph/validate.ts";
import { memoryTrimmer } from "../../src/engine/trim-memory.ts";
import { memoryOf } from "./process-memory.ts";

const settings = parseDevice("cpu").settings;
const NONE = { checkpoint: [], diffusion_model: [], text_encoder: [], vae: [] };
const files = namedFiles({ ...NONE, controlnet: [], image: [], latent: [] });

/** Blurs a picture of this size. */
const blurring = (width: number, height: number) => ({
  "1": { class_type: "EmptyImage", inputs: { width, height, batch_size: 1, color: 7 } },
  "2": {
    class_type: "ImageBlur",
    inputs: { image: ["1", 0], blur_radius: 9, sigma: 3 },
  },
  "3": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
});

async function run(graph: object, images: ImageSessions): Promise<void> {
  const validation = validate(readGraph(graph), { classes: NODE_CLASSES, files });
  if (validation.refusal !== null) throw new Error("the graph is refused");
  const edges = {
    loadImage: () => Promise.reject(new Error("there is none")),
    loadLatent: () => Promise.reject(new Error("there is none")),
    emit: () => {},
  };
  const models = new ModelParts(() => null, settings);
  const options = { models, images, stepSeed: "same", maxValueBytes: 2 ** 28, edges } as const;
  const frame = null;
  await new GraphRun(executionOrder(validation), options).run({
    frame,
    signal: new AbortController().signal,
  });
}

const images = new ImageSessions(settings);
await run(blurring(900, 900), images);
const before = memoryOf(process.pid).anonymous;
for (let size = 0; size < 40; size++) await run(blurring(900 + 2 * size, 900), images);
Bun.gc(true);
memoryTrimmer()?.(); // as an engine does from time to time
console.log(Math.round(memoryOf(process.pid).anonymous - before));
await images.release();
