/** Graphs that go to a real ComfyUI: what holds with the stand-in holds there, and its pictures are those that we draw. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { StreamParams } from "../../../src/engine/protocol/work.ts";
import {
  COLOUR,
  comfyUiTests,
  failureOf,
  inverted,
  isClose,
  isIdle,
  paramsFor,
  ServedHost,
  ServedStream,
  slowly,
} from "../../support/comfyui-suite.ts";
import { pngFile } from "../../support/image-files.ts";
import { noisePicture } from "../../support/onnx-workspace.ts";
import { waitFor } from "../../support/wait-for.ts";
import { findComfyUi, RealComfy } from "./real-comfyui.ts";

const comfy = findComfyUi();
setDefaultTimeout(120_000);

if (comfy.kind === "absent") {
  test.skip(`with a real ComfyUI (${comfy.why})`, () => {});
} else {
  describe("a real ComfyUI", () => comfyUiTests(async () => await RealComfy.start(comfy)));

  test("a picture is the same, whether its nodes run here or there", async () => {
    await using there = await RealComfy.start(comfy);
    await using served = await ServedHost.start(there.url);
    const graph = (last: object) => ({
      "1": { class_type: "LoadImage", inputs: { image: "example.png" } },
      "2": {
        class_type: "ImageScale",
        inputs: {
          image: ["1", 0],
          upscale_method: "bicubic",
          width: 96,
          height: 80,
          crop: "center",
        },
      },
      "3": { class_type: "ImageInvert", inputs: { image: ["2", 0] } },
      ...last,
    });
    const here = graph({
      "5": { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "x" } },
    });
    const remote = graph({
      "4": { class_type: "TestSlow", inputs: { image: ["3", 0], seconds: 0 } },
      "5": { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "x" } },
    });
    const drawn = async (params: StreamParams) => {
      using picture = new ServedStream(served.host, { kind: "picture" });
      const { picture: result } = await picture.drawWith(params);
      return { provider: picture.executor.models[0]?.executionProvider, result };
    };
    const [native, other] = [await drawn(paramsFor(here)), await drawn(paramsFor(remote))];
    expect([native.provider, other.provider]).toEqual(["CPUExecutionProvider", "ComfyUI"]);
    expect([other.result.width, other.result.height]).toEqual([96, 80]);
    const differing = native.result.data.filter((value, at) => value !== other.result.data[at]);
    expect(differing.length).toBe(0);
  });

  test("a file that ComfyUI has is loaded, and an ended stream leaves no frame behind", async () => {
    await using there = await RealComfy.start(comfy);
    await using served = await ServedHost.start(there.url);
    await there.addInput("small.png", await pngFile(noisePicture(24, 16)));
    const graph = {
      ...slowly(0),
      "1": { class_type: "LoadImage", inputs: { image: "small.png" } },
    };
    using picture = new ServedStream(served.host, { kind: "picture" });
    expect((await picture.drawWith(paramsFor(graph))).picture).toMatchObject({
      width: 24,
      height: 16,
    });
    using stream = new ServedStream(served.host);
    await stream.drawWith(paramsFor(slowly(0)));
    expect((await there.frameFiles()).some((bytes) => bytes > 1000)).toBe(true);
    stream[Symbol.dispose]();
    const isBlank = async () => (await there.frameFiles()).every((bytes) => bytes < 100);
    await waitFor("its frames are overwritten", isBlank);
  });

  test("a stream goes on after ComfyUI was killed and started again", async () => {
    const first = await RealComfy.start(comfy);
    await using served = await ServedHost.start(first.url);
    using stream = new ServedStream(served.host);
    const params = paramsFor(slowly(1));
    await stream.executor.prepare(params);
    const failed = failureOf(stream.draw(params), "comfyui_unavailable");
    await waitFor("the graph runs", async () => !(await isIdle(first.url)));
    await first[Symbol.asyncDispose]();
    expect((await failed).message).toContain("it closed the connection");
    await using _second = await RealComfy.start(comfy, { port: Number(new URL(first.url).port) });
    await stream.executor.prepare(params);
    expect((await stream.draw(params)).picture.width).toBe(64);
  });

  test("pictures come as files where SaveImageWebsocket is absent, and streams are refused", async () => {
    await using there = await RealComfy.start(comfy, { websocketNode: "absent" });
    await using served = await ServedHost.start(there.url);
    using picture = new ServedStream(served.host, { kind: "picture" });
    const { picture: drawn } = await picture.drawWith(paramsFor(slowly(0)));
    expect(isClose(drawn.data, inverted(await picture.plain()))).toBe(true);
    // The second time ComfyUI computes nothing, and names the file of the first.
    using still = new ServedStream(served.host, { kind: "picture", hasInput: false });
    const { picture: first } = await still.drawWith(paramsFor(COLOUR));
    using again = new ServedStream(served.host, { kind: "picture", hasInput: false });
    expect((await again.drawWith(paramsFor(COLOUR))).picture).toEqual(first);
    using stream = new ServedStream(served.host);
    const { message } = await failureOf(
      stream.executor.prepare(paramsFor(slowly(0))),
      "invalid_request",
    );
    expect(message).toContain("lacks SaveImageWebsocket");
  });
}
