/** Runs valid graphs in a process of its own; see `graphs.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import { parseDevice } from "../../../src/engine/device/devices.ts";
import { executionOrder } from "../../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../../src/engine/graph/node-classes.ts";
import { readGraph } from "../../../src/engine/graph/read-graph.ts";
import { withoutPageNodes } from "../../../src/engine/graph/rewrite.ts";
import { GraphRun } from "../../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../../src/engine/graph/run/image-sessions.ts";
import { ModelParts } from "../../../src/engine/graph/run/model-parts.ts";
import { fromBytes } from "../../../src/engine/graph/run/pixels.ts";
import type { Images } from "../../../src/engine/graph/run/values.ts";
import { validate } from "../../../src/engine/graph/validate.ts";
import { WorkerError } from "../../../src/errors.ts";
import { writePipeline } from "../../support/synthetic-pipeline.ts";
import { serveCases } from "./child.ts";
import { IMAGES, MODELS } from "./graphs.ts";

/** Pictures of more than this are left out: their runs take the time of thousands of others. */
const MAX_SIDE = 256;
const MAX_VALUE_BYTES = 64 * 2 ** 20;

quietLibav();
const folder = mkdtempSync(join(tmpdir(), "fuzz-graphs-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
await writePipeline(folder);
const settings = parseDevice("cpu").settings;
const files = namedFiles({
  checkpoint: MODELS,
  diffusion_model: MODELS,
  text_encoder: MODELS,
  vae: MODELS,
  controlnet: MODELS,
  image: IMAGES,
  latent: [],
});
const models = new ModelParts(
  (kind, name) => (files.find(kind, name ?? "") ? folder : null),
  settings,
);
const images = new ImageSessions(settings);

const picture = (channels: 3 | 4): Images =>
  fromBytes({
    width: 24,
    height: 16,
    channels,
    data: Uint8Array.from({ length: 24 * 16 * channels }, (_, at) => (at * 7) & 255),
  });
const PICTURES: Readonly<Record<string, Images>> = { "a.png": picture(3), "rgba.png": picture(4) };

serveCases(async (json: string) => {
  const value: unknown = JSON.parse(json);
  let labels: string[] = [];
  try {
    const validation = validate(withoutPageNodes(readGraph(value)), {
      classes: NODE_CLASSES,
      files,
    });
    if (validation.refusal !== null || isLarge(value)) return;
    const steps = executionOrder(validation);
    labels = steps.map(({ node }) => node.label);
    const run = new GraphRun(steps, {
      models,
      images,
      stepSeed: "same",
      maxValueBytes: MAX_VALUE_BYTES,
      edges: {
        loadImage: async (name) => PICTURES[name] ?? picture(3),
        loadLatent: async () => ({ samples: new Float32Array(4 * 6 * 4), shape: [1, 4, 6, 4] }),
        emit: () => {},
      },
    });
    await run.run({ frame: picture(3), signal: AbortSignal.timeout(15_000) });
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    if (error.kind === "internal" || error.cause instanceof TypeError)
      throw new Error(`internal: ${error.message.replace(/node \S+ /, "")}`);
    const isNamed = labels.length === 0 || labels.some((label) => error.message.includes(label));
    if (!isNamed) throw new Error(`a failure that names no node: ${error.message}`);
  }
});

/** Whether a number in the graph may be a side that is too large here. */
const isLarge = (value: unknown): boolean =>
  typeof value === "number" || typeof value === "bigint"
    ? Math.abs(Number(value)) > MAX_SIDE
    : typeof value === "object" && value !== null && Object.values(value).some(isLarge);
