/** Compiles graphs of image nodes and runs them in real sessions, with pictures by name. */
import type { PackedPicture } from "../../src/engine/codec/packed-picture.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { Session } from "../../src/engine/device/worker/runtime.ts";
import { executionOrder } from "../../src/engine/graph/execution-order.ts";
import { namedFiles } from "../../src/engine/graph/graph-files.ts";
import { compileImages, type ImageProgram } from "../../src/engine/graph/image/compile-images.ts";
import { NODE_CLASSES } from "../../src/engine/graph/node-classes.ts";
import { parseGraph } from "../../src/engine/graph/read-graph.ts";
import { validate } from "../../src/engine/graph/validate.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";

export type Pictures = Readonly<Record<string, PackedPicture>>;

/** The compiled graph, and the name of the picture of each of its inputs. */
export function compiled(
  graph: unknown,
  pictures: Pictures,
  layout: "nhwc" | "nchw" = "nhwc",
): { program: ImageProgram; files: Record<string, string> } {
  const files = namedFiles({ image: Object.keys(pictures) });
  const judged = validate(parseGraph(JSON.stringify(graph)), { classes: NODE_CLASSES, files });
  if (judged.refusal !== null || judged.problems.length > 0) {
    throw new Error(judged.problems.map(({ message }) => message).join("; "));
  }
  const loaded: Record<string, string> = {};
  const program = compileImages(executionOrder(judged), {
    layout,
    format(node) {
      const name = String(node.values.get("image") ?? Object.keys(pictures)[0]);
      loaded[node.id] = name;
      const { width, height, channels } = pictures[name] as PackedPicture;
      return { width, height, channels, layout };
    },
  });
  return { program, files: loaded };
}

/** The pictures that a graph shows, by the id of the node that shows them: uint8 `[batch, height, width, channels]`. */
export async function runImages(
  graph: unknown,
  pictures: Pictures = {},
): Promise<Record<string, Tensor>> {
  const { program, files } = compiled(graph, pictures);
  const session = await Session.open(program.bytes, parseDevice("cpu").settings);
  try {
    const feeds = program.inputs.map(({ name, node, dims }): [string, Tensor] => {
      const { data } = pictures[files[node] as string] as PackedPicture;
      return [name, { dtype: "uint8", dims, data }];
    });
    const names = program.outputs.map(({ name }) => name);
    const results = await session.run(Object.fromEntries(feeds), names);
    return Object.fromEntries(
      program.outputs.map(({ name, node }) => [node, results[name] as Tensor]),
    );
  } finally {
    await session.release();
  }
}
