/** A diffusion pipeline with large weights: `bun run weighty-run` does the same with 2 GB. */
import { expect, test } from "bun:test";
import { runWeighty } from "../support/weighty-run.ts";

/** What a model's thread and the small networks take besides, in MiB. */
const THREAD = 80;

test("weights are in memory once, and another stream misses no frame while they load", async () => {
  const report = await runWeighty({ megabytes: 256, floats: "float32" }, { drawn: 20, quiet: 0 });
  expect(report.framesDrawn).toBeGreaterThanOrEqual(20);
  expect(report.peak - report.before.resident).toBeLessThan(1.2 * report.fileSize + THREAD);
  expect(report.neighbour.worst).toBeLessThanOrEqual(1); // of a busy machine
}, 60_000);
