import { expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGpus, readGpus } from "../../../src/server/gpus.ts";

test("each line is a GPU, with MiB as bytes and 0 for values that it does not report", () => {
  const table = `GPU-1a, NVIDIA GeForce RTX 4090, 24564, 23000, 8.9, 7, 2
GPU-2b, NVIDIA A100-SXM4-80GB, 81920, 80000, 8.0, [N/A], [N/A]
`;
  expect(parseGpus(table)).toEqual([
    {
      id: "GPU-1a",
      name: "NVIDIA GeForce RTX 4090",
      memory_total: 24564 * 1024 ** 2,
      memory_free: 23000 * 1024 ** 2,
      major: 8,
      minor: 9,
      utilization_compute: 7,
      utilization_memory: 2,
    },
    expect.objectContaining({ major: 8, minor: 0, utilization_compute: 0, utilization_memory: 0 }),
  ]);
  expect(parseGpus("")).toEqual([]);
});

test("a program that does not answer in time is given up, even if its output stays open", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gpus-"));
  const program = join(folder, "nvidia-smi");
  // Its child holds the output when it is killed.
  await Bun.write(program, "#!/bin/sh\nsleep 4\n");
  await chmod(program, 0o755);
  const asked = performance.now();
  expect(await readGpus(program, 50)).toEqual([]);
  expect(performance.now() - asked).toBeLessThan(3000);
  await rm(folder, { recursive: true });
});
