/** Streams that are drawn by ComfyUI graphs without networks: what they draw, how they change, what is refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import type { NativeCalls } from "../../src/engine/protocol/call-journal.ts";
import { failureOf, GraphStream, HALF, INVERT, paramsFor } from "../support/graph-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

describe("a stream with graphs", () => {
  let workspace: OnnxWorkspace;
  let host: ModelHost;
  beforeAll(async () => {
    workspace = await OnnxWorkspace.create();
    host = await workspace.host();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  test("is drawn by its nodes", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor(INVERT);
    await stream.executor.prepare(params);
    const { data } = await stream.draw(params);
    const plain = await stream.plain();
    // As SaveImage truncates: 255 · (1 − v / 255) in float32 may lie just below an integer.
    expect(data.every((value, at) => Math.abs(255 - (plain.data[at] ?? 0) - value) <= 1)).toBe(
      true,
    );
    expect(stream.executor.runs(params)).toBe(true);
  });

  test("passes the frame through several of them, one after the other", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor(INVERT, HALF);
    await stream.executor.prepare(params);
    const { width, height, data } = await stream.draw(params);
    expect({ width, height }).toEqual({ width: 32, height: 32 });
    const plain = await stream.plain();
    // The nearest pixel of each square of four.
    expect(Math.abs(255 - (plain.data[65] ?? 0) - (data[0] ?? 0))).toBeLessThanOrEqual(1);
  });

  test("changes to another graph between two frames, in the same thread if they need the same models", async () => {
    await using stream = new GraphStream(host);
    const [first, second] = [paramsFor(INVERT), paramsFor(HALF)];
    await stream.executor.prepare(first);
    expect((await stream.draw(first)).width).toBe(64);
    const [before] = stream.executor.models;
    await stream.executor.prepare(second);
    expect((await stream.draw(second)).width).toBe(32);
    expect(stream.executor.models[0]).toBe(before as NonNullable<typeof before>);
  });

  test("runs nothing for parameters that leave its graphs as they are", async () => {
    let runs = 0;
    const begin: NativeCalls["begin"] = (name) => {
      if (name === "run") runs++;
      return { [Symbol.dispose]() {} };
    };
    await using stream = new GraphStream(host, { calls: { begin } });
    await stream.executor.prepare(paramsFor(HALF));
    expect(runs).toBe(1); // its trial
    const same = { ...paramsFor(HALF), fit: "contain" } as const;
    await stream.executor.prepare(same);
    expect(runs).toBe(1);
    expect(stream.executor.runs(same)).toBe(true);
  });

  test("keeps its graph when it is asked for one that is wrong, and says what is", async () => {
    await using stream = new GraphStream(host);
    const good = paramsFor(HALF);
    await stream.executor.prepare(good);
    const wrong = paramsFor({
      ...HALF,
      "2": { class_type: "ImageInvert", inputs: { image: ["9", 0] } },
    });
    const { kind, message } = await failureOf(stream.executor.prepare(wrong));
    expect(kind).toBe("invalid_request");
    expect(message).toContain("node 2 (ImageInvert): image links to node");
    expect((await stream.draw(wrong)).width).toBe(32);
    expect(stream.executor.runs(wrong)).toBe(false);
  });

  test("that has no video is refused a graph that needs it", async () => {
    await using stream = new GraphStream(host, { hasInput: false });
    const { message } = await failureOf(stream.executor.prepare(paramsFor(INVERT)));
    expect(message).toContain("there is no video for node 1 (LoadTensor)");
  });
});
