/** What `models add` says about folders that are nearly diffusion pipelines. */
import { expect, test } from "bun:test";
import { nearPipeline } from "../../../src/workspace/near-pipeline.ts";
import type { Offer } from "../../../src/workspace/sources/source.ts";

const INDEX = "model_index.json";
const PIPELINE = ["text_encoder/model.onnx", "unet/model.onnx", "vae_decoder/model.onnx"];

const near = (paths: readonly string[], named: string | null = null): string | null => {
  const offer: Offer = {
    label: "it.zip",
    title: "it",
    files: paths.map((path) => ({ path, size: 2 ** 20 })),
    license: null,
    kind: null,
    find: async () => null,
    fetch: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  return nearPipeline(offer, named);
};
const without = (path: string): string[] => PIPELINE.filter((one) => one !== path);

test("a network of another name is to be renamed", () => {
  expect(near([INDEX, ...without("unet/model.onnx"), "unet/model.fp16.onnx"])).toBe(
    "it.zip is nearly a diffusion pipeline:\n  rename unet/model.fp16.onnx to model.onnx\nmend a copy of the folder and add that; --file adds one network alone",
  );
  const two = [INDEX, ...without("unet/model.onnx"), "unet/a.onnx", "unet/b.onnx"];
  expect(near(two)).toContain("rename one of unet/a.onnx, unet/b.onnx to model.onnx");
});

test("a missing index and a missing network are named, in a folder inside as well", () => {
  expect(near(PIPELINE)).toContain(":\n  model_index.json is missing ({} will do)\n");
  expect(near([INDEX, ...without("unet/model.onnx")])).toContain(
    "unet/model.onnx is missing: export the pipeline",
  );
  const inside = PIPELINE.map((path) => `fp16/${path}`);
  expect(near(inside)).toStartWith("fp16 in it.zip is nearly a diffusion pipeline");
  expect(near(inside, "fp16/")).toBe(near(inside));
});

test("a ControlNet and a VAE are for graphs", () => {
  expect(near(["controlnet/model.onnx", "controlnet/config.json"])).toContain(
    "holds a ControlNet, which is no model by itself: ComfyUI graphs load it by the NAME of a folder in the workspace, so copy it there as models/NAME/controlnet/model.onnx;",
  );
  expect(near(["vae_decoder/model.onnx", "vae_encoder/model.onnx"])).toContain(
    "as models/NAME/vae_decoder/model.onnx, models/NAME/vae_encoder/model.onnx;",
  );
});

test("nothing is said of pipelines, of other models, and of one network that is named", () => {
  expect(near([INDEX, ...PIPELINE])).toBeNull();
  expect(near([...PIPELINE, INDEX].flatMap((path) => [`a/${path}`, `b/${path}`]))).toBeNull();
  expect(near(["unet/model.onnx"])).toBeNull();
  expect(near(["a/net.onnx", "b/net.onnx"])).toBeNull();
  expect(near(PIPELINE, "text_encoder/model.onnx")).toBeNull();
  expect(near(["controlnet/model.onnx"], "controlnet/model.onnx")).toBeNull();
});
