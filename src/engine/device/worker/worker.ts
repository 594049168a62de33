/** Entry point of an inference worker: handles calls one after the other, so that no session is released during a run. */
import { basename } from "node:path";
import { toPlainError, WorkerError } from "../../errors.ts";
import { GraphBuilder } from "../models/graph-builder.ts";
import { MAX_ONNX_BYTES } from "../models/onnx-outline.ts";
import { readRegularFile } from "../models/regular-file.ts";
import { ModelSession } from "./model-session.ts";
import type { Calls, GraphSource, Request, Response } from "./protocol.ts";
import { listBackends, Session } from "./runtime.ts";
import { scalarsOf } from "./scalars.ts";

declare const self: Worker;

let model: ModelSession | null = null;
let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(() => answer(data));
};

async function answer(request: Request): Promise<void> {
  let response: Response;
  let transfer: ArrayBuffer[] = [];
  try {
    const output = await perform(request);
    if (output !== null && "picture" in output) transfer = [output.picture.data.buffer];
    response = { id: request.id, ok: true, output };
  } catch (error) {
    response = { id: request.id, ok: false, error: toPlainError(error, "model_failed") };
  }
  self.postMessage(response, transfer);
}

async function perform({ call, input }: Request): Promise<Calls[Request["call"]][1]> {
  switch (call) {
    case "backends":
      return listBackends();
    case "probe":
      return await probe(input);
    case "load":
      return await load(input);
    case "run":
      return await run(input);
    case "close":
      await model?.release();
      model = null;
      return null;
  }
}

async function load({
  source,
  definition,
  settings,
  warmUp,
  text,
}: Calls["load"][0]): Promise<Calls["load"][1]> {
  const begun = performance.now();
  model = await ModelSession.open(await read(source), definition, settings);
  const loaded = performance.now();
  const scalars = scalarsOf(definition, { params: {}, size: warmUp, timeSeconds: 0 });
  const grey = new Uint8Array(warmUp.width * warmUp.height * 3).fill(128);
  await model.run({ data: grey, ...warmUp }, scalars, text);
  return { loadMs: loaded - begun, warmUpMs: performance.now() - loaded };
}

async function run({ picture, scalars, text }: Calls["run"][0]): Promise<Calls["run"][1]> {
  if (model === null) throw new WorkerError("internal", "a run came before its model was loaded");
  const begun = performance.now();
  const result = await model.run(picture, scalars, text);
  return { picture: result, inferenceMs: performance.now() - begun };
}

async function probe({ settings }: Calls["probe"][0]): Promise<null> {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1]);
  graph.output("y", graph.node("Add", [x, x]), "float32", [1]);
  const session = await Session.open(graph.build("probe"), settings);
  try {
    const y = await session.run(
      { x: { dtype: "float32", dims: [1], data: Float32Array.of(21) } },
      "y",
    );
    if (y.data[0] !== 42) throw new WorkerError("model_failed", `21 + 21 gave ${y.data[0]}`);
  } finally {
    await session.release();
  }
  return null;
}

const read = async (source: GraphSource): Promise<Uint8Array> =>
  "bytes" in source
    ? source.bytes
    : await readRegularFile(source.path, basename(source.path), MAX_ONNX_BYTES);
