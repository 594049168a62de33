/** Finds out which execution provider runs the nodes of a session. */
import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { Session } from "../../src/engine/device/worker/runtime.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { filled } from "../../src/engine/models/tensor.ts";

/** Two nodes that cannot be fused into one. */
function twoNodes(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [4]);
  graph.output("y", graph.node("Sin", [graph.node("Exp", [x])]), "float32", [4]);
  return graph.build("two nodes");
}

const profiles = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith("byoc-profile-"));

test("a profiled session counts its nodes by execution provider, once each, and leaves no file", async () => {
  const before = await profiles();
  const settings = { ...parseDevice("cpu").settings, enableProfiling: true };
  const session = await Session.open(twoNodes(), settings);
  try {
    for (let run = 0; run < 3; run++) await session.run({ x: filled("float32", [4], 1) }, ["y"]);
    const counts = await session.placements();
    expect(Object.keys(counts)).toEqual(["CPUExecutionProvider"]);
    expect(counts["CPUExecutionProvider"]).toBeGreaterThanOrEqual(2);
    expect(counts["CPUExecutionProvider"]).toBeLessThanOrEqual(3); // ours, and the conversion of a name
  } finally {
    await session.release();
  }
  expect(await profiles()).toEqual(before);
});

test("a graph that ONNX Runtime refuses leaves no file either", async () => {
  const before = await profiles();
  const settings = { ...parseDevice("cpu").settings, enableProfiling: true };
  const refused = await Session.open(Uint8Array.of(1, 2, 3), settings).then(
    () => null,
    (error: Error) => error.message,
  );
  expect(refused).toStartWith("ONNX Runtime refuses it: ");
  expect(await profiles()).toEqual(before);
});

test("a session without a profile knows nothing of its nodes", async () => {
  const session = await Session.open(twoNodes(), parseDevice("cpu").settings);
  await session.run({ x: filled("float32", [4], 1) }, ["y"]);
  expect(await session.placements()).toEqual({});
  await session.release();
});
