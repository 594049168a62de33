/** Graphs that go to a real ComfyUI: what holds with the stand-in holds there, and its pictures are those that we draw. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { StreamParams } from "../../../src/engine/protocol/work.ts";
import { comfyUiTests, paramsFor, ServedHost, ServedStream } from "../../support/comfyui-suite.ts";
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
}
