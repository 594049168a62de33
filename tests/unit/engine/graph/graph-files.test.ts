/** What the names in a graph mean. */
import { expect, test } from "bun:test";
import { namedFiles } from "../../../../src/engine/graph/graph-files.ts";

const files = namedFiles({
  checkpoint: ["Tiny-SD", "sd1.5"],
  diffusion_model: ["dreamshaper8"],
  image: ["a.png", "sub/a.png"],
  output_image: ["b.png"],
});

test.each([
  ["tiny-sd", "Tiny-SD"],
  ["models/SD/TINY-SD.safetensors", "Tiny-SD"],
  ["SD\\tiny-sd.ckpt", "Tiny-SD"],
  ["sd1.5", "sd1.5"],
  ["sd1.5.safetensors", "sd1.5"],
  ["sd1", null],
  ["", null],
])("the checkpoint %p is the folder %p", (name, folder) => {
  expect(files.find("checkpoint", name)).toBe(folder);
});

test("an engine file that was built for certain sizes means the model it was built from", () => {
  const built = "static-dreamshaper8_SD15_$stat-b-1-h-512-w-512_00001_.engine";
  expect(files.find("diffusion_model", built)).toBe("dreamshaper8");
  expect(files.find("diffusion_model", built.replace("dreamshaper8", "other"))).toBeNull();
});

test.each([
  ["image", "a.png", "a.png"],
  ["image", "A.png", null],
  ["image", "a", null],
  ["image", "../a.png", null],
  ["image", "a.png [input]", "a.png"],
  ["image", "b.png [output]", "b.png"],
  ["output_image", "b.png", "b.png"],
  ["latent", "a.png", null],
] as const)("the %s %p is the file %p", (kind, name, path) => {
  expect(files.find(kind, name)).toBe(path);
});
