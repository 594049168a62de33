/** Runs graphs of image nodes, with pictures by name. */
import type { PackedPicture } from "../../src/engine/codec/packed-picture.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { executionOrder } from "../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../src/engine/graph/node-classes.ts";
import { parseGraph } from "../../src/engine/graph/read-graph.ts";
import { GraphRun } from "../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../src/engine/graph/run/image-sessions.ts";
import { ModelParts } from "../../src/engine/graph/run/model-parts.ts";
import type { GraphResult } from "../../src/engine/graph/run/node-runner.ts";
import { fromBytes, toBytes } from "../../src/engine/graph/run/pixels.ts";
import { validate } from "../../src/engine/graph/validate.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";

export type Pictures = Readonly<Record<string, PackedPicture>>;

/** The pictures that a graph shows, by the id of the node that shows them: uint8 `[batch, height, width, channels]`. */
export async function runImages(
  graph: unknown,
  pictures: Pictures = {},
): Promise<Record<string, Tensor>> {
  const files = namedFiles({ image: Object.keys(pictures) });
  const judged = validate(parseGraph(JSON.stringify(graph)), { classes: NODE_CLASSES, files });
  if (judged.refusal !== null || judged.problems.length > 0) {
    throw new Error(judged.problems.map(({ message }) => message).join("; "));
  }
  const { settings } = parseDevice("cpu");
  const sessions = new ImageSessions(settings);
  const results: GraphResult[] = [];
  const pictureOf = (name: string): PackedPicture => {
    const picture = pictures[name];
    if (picture === undefined) throw new Error(`the test gives no picture ${name}`);
    return picture;
  };
  const run = new GraphRun(executionOrder(judged), {
    models: new ModelParts(() => null, settings),
    images: sessions,
    edges: {
      loadImage: async (name) => fromBytes(pictureOf(name)),
      loadLatent: async (name) => {
        throw new Error(`the test gives no latent ${name}`);
      },
      emit: (result) => results.push(result),
    },
  });
  const [frame] = Object.values(pictures);
  try {
    await run.run({ frame: frame === undefined ? null : fromBytes(frame) });
    return Object.fromEntries(results.flatMap((result) => shown(result)));
  } finally {
    await sessions.release();
  }
}

function shown(result: GraphResult): [string, Tensor][] {
  if (result.kind !== "images") return [];
  const { batch, height, width, channels } = result.images;
  const pictures = Array.from({ length: batch }, (_, at) => toBytes(result.images, at));
  const dims = [batch, height, width, channels];
  return [[result.node, { dtype: "uint8", dims, data: Uint8Array.from(Buffer.concat(pictures)) }]];
}
