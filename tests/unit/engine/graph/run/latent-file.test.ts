import { expect, test } from "bun:test";
import { readLatentFile } from "../../../../../src/engine/graph/run/latent-file.ts";

const latent = { samples: Float32Array.of(1, -2, 0.5, 3), shape: [1, 1, 2, 2] as const };

/** A file with this header before the numbers. */
function fileOf(header: object): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, new Uint8Array(latent.samples.buffer)]);
}

const tensor = { dtype: "F32", shape: [1, 1, 2, 2], data_offsets: [0, 16] };

test("a file as SaveLatent writes it is read", () => {
  const latent_format_version_0 = { dtype: "F32", shape: [0], data_offsets: [0, 0] };
  const file = fileOf({ latent_format_version_0, latent_tensor: tensor });
  expect(readLatentFile(file)).toEqual({ ...latent, shape: [1, 1, 2, 2] });
});

test("files of older versions are brought to today's scale", () => {
  const { samples } = readLatentFile(fileOf({ latent_tensor: tensor }));
  expect(samples[0]).toBeCloseTo(1 / 0.18215, 5);
});

test.each([
  ["nothing", new Uint8Array(3), "not a safetensors file"],
  ["a header longer than the file", Buffer.from("ff00000000000000", "hex"), "not a safetensors"],
  ["other tensors", fileOf({ weight: tensor }), "no F32 tensor latent_tensor"],
  ["half precision", fileOf({ latent_tensor: { ...tensor, dtype: "F16" } }), "no F32 tensor"],
  ["a list", fileOf({ latent_tensor: { ...tensor, shape: [4] } }), "its shape is [4]"],
  ["too few numbers", fileOf({ latent_tensor: { ...tensor, data_offsets: [0, 64] } }), "cut short"],
])("a file with %s is refused", (_, file, problem) => {
  expect(() => readLatentFile(file)).toThrow(problem);
});
