/** What a new prompt costs a stream through a diffusion pipeline. */
import { expect, spyOn, test } from "bun:test";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { DiffusionProgram } from "../../src/engine/device/worker/diffusion-program.ts";
import { TextEncoder } from "../../src/engine/diffusion/networks/text-encoder.ts";
import type { RunItem } from "../../src/engine/models/roles/role.ts";
import { sharedData } from "../support/shared-data.ts";

const tiny = sharedData("golden/pipeline/tiny-sd");

test.skipIf(tiny === null)(
  "a new prompt is encoded once, for the first frame that shows it (../shared/data/golden)",
  async () => {
    const program = await DiffusionProgram.open(tiny ?? "", parseDevice("cpu").settings);
    const encode = spyOn(TextEncoder.prototype, "encode");
    try {
      const encodings: number[] = [];
      const draw = async (prompt: string) => {
        const before = encode.mock.calls.length;
        const [output] = await program.run([itemFor(prompt)]);
        encodings.push(encode.mock.calls.length - before);
        return Bun.hash(output?.picture?.data ?? new Uint8Array(0));
      };
      const pictures = [];
      for (const prompt of ["a cat", "a cat", "a hill", "a hill", "a hill", "a cat"]) {
        pictures.push(await draw(prompt));
      }
      expect(encodings).toEqual([1, 0, 1, 0, 0, 0]); // what was asked for before is remembered
      expect(pictures[1]).toBe(pictures[0] as bigint);
      expect(pictures[2]).not.toBe(pictures[1] as bigint);
    } finally {
      encode.mockRestore();
      await program.release();
    }
  },
);

function itemFor(prompt: string): RunItem {
  const size = { width: 64, height: 64 };
  const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, at) => (at * 7) % 256);
  return {
    lane: "stream",
    picture: { ...size, data },
    original: null,
    size,
    values: {
      prompts: { prompts: [{ prompt }], graphs: [] },
      steps: 1,
      strength: 0.6,
      guidance: 1,
      seed: 5,
    },
  };
}
