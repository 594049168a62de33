/** Tests how a pipeline behaves with a failing model, and how it ends early. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { tsSegments } from "../support/clip.ts";
import { decodeAlone } from "../support/clip-output.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { lumaOf, synthetic } from "../support/clip-synthetic.ts";
import { OnnxWorkspace, rejection } from "../support/onnx-workspace.ts";

let workspace: OnnxWorkspace;
let host: ModelHost;
beforeAll(async () => {
  quietLibav();
  workspace = await OnnxWorkspace.create();
  await workspace.add("pick", PICK, pickChannel());
  host = await workspace.host();
  await Promise.all(["identity", "pick"].map((name) => host.acquire(name)));
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

const PICK = { inputs: { index: { role: "param", default: 0, min: 0, max: 99, integer: true } } };

/** Picks a channel by a parameter; a run with an index above 2 fails. */
function pickChannel(): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1, 3, "H", "W"]);
  const index = graph.input("index", "int64", [1]);
  const plane = graph.node("Gather", [x, index], { axis: 1n });
  graph.output("y", plane, "float32", [1, 1, "H", "W"]);
  return graph.build("pick");
}

const MOVING = { parts: [{ width: 128, height: 96, frames: 60 }], gop: 30 };

describe("a failing model", () => {
  test("passes frames through and is reported once, and again only after it has worked", async () => {
    const segments = tsSegments(await synthetic(MOVING));
    const failing = { model: "pick", model_params: { index: 7 } };
    const run = new ClipRun({
      segments,
      host,
      params: failing,
      onFragment: () => {
        if (run.framesOut === 20) run.params = { ...run.params, model_params: { index: 1 } };
        if (run.framesOut === 40) run.params = { ...run.params, model_params: { index: 7 } };
      },
    });
    await run.pipeline.run();
    expect(run.framesOut).toBe(60);
    expect(run.troubles.map(({ kind }) => kind)).toEqual(["model_failed", "model_failed"]);
    expect(run.framesInferred).toBeGreaterThan(5);
    const out = await decodeAlone(run);
    for (const [index, { measure }] of out.video.slice(0, 20).entries()) {
      expect(Math.abs(measure - lumaOf(index))).toBeLessThan(3);
    }
  });

  test("that does not exist is reported once, and frames pass through", async () => {
    const segments = tsSegments(await synthetic(MOVING));
    const run = new ClipRun({ segments, host, params: { model: "absent" } });
    await run.pipeline.run();
    expect(run.troubles.map(({ kind }) => kind)).toEqual(["unknown_model"]);
    expect([run.framesOut, run.framesInferred]).toEqual([60, 0]);
  });
});

describe("an early end", () => {
  test("an abort at any point leaves nothing alive and does not crash", async () => {
    const segments = tsSegments(await synthetic({ ...MOVING, audio: { codec: "aac" } }));
    for (let round = 0; round < 20; round++) {
      const run = new ClipRun({
        segments,
        host,
        params: { model: "identity" },
        onFragment: () => {
          if (run.fragments.length === round * 2 + 1) run.abort.abort(new Error("enough"));
        },
      });
      expect((await rejection(run.pipeline.run())).message).toBe("enough");
      expect(run.pipeline.frames).toBe(0);
    }
    Bun.gc(true);
  });

  test("an abort before the start ends it at once", async () => {
    const segments = tsSegments(await synthetic(MOVING));
    const run = new ClipRun({ segments, host, params: { model: "identity" } });
    run.abort.abort(new Error("early"));
    expect((await rejection(run.pipeline.run())).message).toBe("early");
    expect([run.pipeline.frames, run.fragments.length]).toEqual([0, 0]);
  });

  test("a failing output ends it with that error", async () => {
    const segments = tsSegments(await synthetic(MOVING));
    const run = new ClipRun({
      segments,
      host,
      params: { model: "identity" },
      onFragment: () => {
        if (run.fragments.length === 7) throw new Error("peer gone");
      },
    });
    expect((await rejection(run.pipeline.run())).message).toBe("peer gone");
    expect(run.pipeline.frames).toBe(0);
  });

  test("input in an unknown container ends it with a reason", async () => {
    const run = new ClipRun({ segments: [new Uint8Array(1000)], host });
    expect((await rejection(run.pipeline.run())).message).toContain("it begins with 00 00");
    expect(run.pipeline.frames).toBe(0);
  });
});
