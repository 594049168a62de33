/**
 * Entry point of a worker thread that holds one program: handles calls in order, so that nothing is released during a run.
 * Runs of a program that interleaves begin at once.
 */
import { toPlainError, WorkerError } from "../../errors.ts";
import { GraphBuilder } from "../models/graph-builder.ts";
import { itemCopy, runAlike } from "./worker/batch-check.ts";
import type { Calls, Request, Response, RunOutput } from "./worker/calls.ts";
import { DiffusionProgram } from "./worker/diffusion-program.ts";
import { OnnxProgram } from "./worker/onnx-program.ts";
import type { Program } from "./worker/program.ts";
import { listBackends, Session } from "./worker/runtime.ts";

declare const self: Worker;

/** In a thread that rests nothing allocates, so that nothing would be collected: pictures of its last runs are some 17 MB. */
const REST_MS = 5000;
const rest = setTimeout(() => Bun.gc(true), REST_MS);

let program: Program | null = null;
let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Request>) => {
  const isFree = data.call === "abandon" || (data.call === "run" && program?.interleaves === true);
  if (isFree) void answer(data);
  else last = last.then(() => answer(data));
};

async function answer(request: Request): Promise<void> {
  const { id, call } = request;
  try {
    const output = await perform(request);
    const isRun = call === "run";
    const { outputs } = isRun ? (output as Calls["run"][1]) : { outputs: null };
    const transfer = outputs?.flatMap(buffersOf) ?? [];
    self.postMessage({ id, ok: true, output } satisfies Response, transfer);
  } catch (error) {
    // Also for an output that cannot be sent: every call must be answered, and later ones performed.
    const plain = toPlainError(error, "model_failed");
    self.postMessage({ id, ok: false, error: plain } satisfies Response);
  }
  rest.refresh();
}

const buffersOf = ({ picture, nodePictures = [] }: RunOutput): ArrayBuffer[] => {
  const pictures = [
    ...(picture === null ? [] : [picture]),
    ...nodePictures.map((one) => one.picture),
  ];
  return [...new Set(pictures.map(({ data }) => data.buffer))];
};

async function perform({ call, input }: Request): Promise<Calls[Request["call"]][1]> {
  switch (call) {
    case "backends":
      return listBackends();
    case "probe":
      return await probe(input);
    case "open": {
      const begun = performance.now();
      program = await open(input);
      return { loadMs: performance.now() - begun };
    }
    case "prepare":
      return await prepare(input);
    case "compare":
      return { alike: await runAlike(opened(), input.items) };
    case "run": {
      const begun = performance.now();
      const outputs = await opened().run(input.items);
      return { outputs, ms: performance.now() - begun };
    }
    case "abandon":
      program?.abandon?.(input.lane, input.graceMs);
      return null;
    case "placements":
      return await opened().placements();
    case "forget":
      program?.forget(input.lane);
      return null;
    case "close":
      await program?.release();
      program = null;
      return null;
  }
}

async function open({ source, definition, settings }: Calls["open"][0]): Promise<Program> {
  if ("pipeline" in source) return await DiffusionProgram.open(source.pipeline, settings);
  if ("comfy" in source) {
    // With it come FFmpeg and hundreds of node classes, which no other program needs.
    const { GraphProgram } = await import("./worker/graph-program.ts");
    return await GraphProgram.open(source.comfy, settings);
  }
  return await OnnxProgram.open(source, definition, settings);
}

function opened(): Program {
  if (program === null) throw new WorkerError("internal", "a run came before its model was opened");
  return program;
}

async function prepare({ item, count, times }: Calls["prepare"][0]): Promise<{ ms: number }> {
  const lanes = Array.from({ length: count }, (_, at) => `warm-up ${at}`);
  let fastest = Number.POSITIVE_INFINITY;
  try {
    for (let time = 0; time < times; time++) {
      const items = lanes.map((lane) => itemCopy(item, lane));
      const begun = performance.now();
      await opened().run(items);
      fastest = Math.min(fastest, performance.now() - begun);
    }
    return { ms: fastest };
  } finally {
    for (const lane of lanes) program?.forget(lane); // also if it cannot run that many
  }
}

async function probe({ settings }: Calls["probe"][0]): Promise<null> {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1]);
  graph.output("y", graph.node("Add", [x, x]), "float32", [1]);
  const session = await Session.open(graph.build("probe"), settings);
  try {
    const feed = { dtype: "float32", dims: [1], data: Float32Array.of(21) } as const;
    const { y } = await session.run({ x: feed }, ["y"]);
    if (y?.data[0] !== 42) throw new WorkerError("model_failed", `21 + 21 gave ${y?.data[0]}`);
  } finally {
    await session.release();
  }
  return null;
}
