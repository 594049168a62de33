/** Makes workspaces with small models, and pictures to run through them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import type { ReloadTimes } from "../../src/engine/device/model-reloader.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";
import type { ElementType } from "../../src/engine/models/tensor-signature.ts";
import type { ModelInfo } from "../../src/engine/protocol/models.ts";
import type { Picture } from "../../src/media/picture.ts";

/** A temporary workspace; removed when disposed. */
export class OnnxWorkspace implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<OnnxWorkspace> {
    return new OnnxWorkspace(await mkdtemp(join(tmpdir(), "onnx-workspace-")));
  }

  /** See `addModel`. */
  async add(name: string, json: unknown, onnx?: Uint8Array): Promise<void> {
    await addModel(this.path, name, json, onnx);
  }

  /** A model host for this workspace, and the models that it reported. */
  async host(changes: ModelInfo[] = [], reloadTimes?: ReloadTimes): Promise<ModelHost> {
    const catalogue = await ModelCatalogue.open(this.path);
    return new ModelHost({
      catalogue,
      device: "cpu",
      onChange: (info) => changes.push(info),
      ...(reloadTimes && { reloadTimes }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Writes `models/<name>` of a workspace with `model.onnx` and the given `model.json` (an object, or its text). */
export async function addModel(
  workspace: string,
  name: string,
  json: unknown,
  onnx?: Uint8Array,
): Promise<void> {
  const folder = join(workspace, "models", name);
  await Bun.write(
    join(folder, "model.json"),
    typeof json === "string" ? json : JSON.stringify(json),
  );
  if (onnx !== undefined) await Bun.write(join(folder, "model.onnx"), onnx);
}

/** A model with one input and one output tensor of this type and shape. */
export function simpleModel(
  dtype: ElementType,
  dims: readonly (number | string)[],
  body: (graph: GraphBuilder, input: Value) => Value,
  opset?: number,
): Uint8Array {
  const graph = new GraphBuilder(opset === undefined ? {} : { opset });
  graph.output("y", body(graph, graph.input("x", dtype, dims)), dtype, dims);
  return graph.build("test");
}

/** A deterministic picture whose neighbouring samples all differ. */
export function noisePicture(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  let state = 12345;
  for (let at = 0; at < data.length; at++) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    data[at] = state >> 16;
  }
  return { data, width, height };
}

/** One sample; channel 0 is red. */
export const sample = (picture: Picture, channel: number, x: number, y: number): number =>
  picture.data[(channel * picture.height + y) * picture.width + x] ?? Number.NaN;

/** Applies a function to each sample of a picture. */
export function mapPixels(
  { data, width, height }: Picture,
  pixel: (rgb: readonly [number, number, number]) => readonly number[],
): Picture {
  const plane = width * height;
  const result = new Uint8Array(data.length);
  for (let at = 0; at < plane; at++) {
    const rgb = [data[at] ?? 0, data[plane + at] ?? 0, data[2 * plane + at] ?? 0] as const;
    for (const [channel, number] of pixel(rgb).entries()) {
      result[channel * plane + at] = Math.min(255, Math.max(0, Math.floor(number + 0.5)));
    }
  }
  return { data: result, width, height };
}

/** The largest difference between two pictures of the same size, in steps of 1/255. */
export function maxDifference(a: Picture, b: Picture): number {
  if (a.width !== b.width || a.height !== b.height) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (const [at, number] of a.data.entries()) {
    worst = Math.max(worst, Math.abs(number - (b.data[at] ?? 0)));
  }
  return worst;
}

export const copyOf = ({ data, width, height }: Picture): Picture => ({
  data: data.slice(),
  width,
  height,
});

/**
 * The error that a promise rejects with. For work in a thread: `expect(…).rejects` of Bun 1.4.5 blocks the main thread while
 * it waits and may never see the thread's answer.
 */
export async function rejection(work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error(`expected a rejection with an Error, got ${String(outcome)}`);
}
