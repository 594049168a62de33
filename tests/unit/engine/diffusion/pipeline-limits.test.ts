import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPipelineLimits } from "../../../../src/engine/diffusion/pipeline-limits.ts";

test("a denoiser with more blocks than any has is refused by name: sides would be multiples of no number", async () => {
  const folder = await mkdtemp(join(tmpdir(), "limits-"));
  try {
    const read = async (blocks: number) => {
      const config = { block_out_channels: new Array(blocks).fill(8) };
      await Bun.write(join(folder, "config.json"), JSON.stringify(config));
      const none = { inputs: [] };
      return await readPipelineLimits(join(folder, "model.onnx"), {
        denoiser: none,
        decoder: none,
      });
    };
    expect((await read(4)).multipleOf).toBe(64);
    await expect(read(2000)).rejects.toThrow(
      "unet/config.json: block_out_channels has 2000 entries; at most 8 are known",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
