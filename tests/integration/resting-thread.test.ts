/** What a model's thread does when nothing runs in it. */
import { expect, test } from "bun:test";

const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).pathname);

/** Loads three models and uses them; prints the memory before, at once after, and the least in the ten seconds after, in MiB. */
const SCRIPT = `
  import { parseDevice } from ${source("../../src/engine/device/devices.ts")};
  import { ProgramWorker } from ${source("../../src/engine/device/program-worker.ts")};
  import { ModelCatalogue } from ${source("../../src/engine/models/catalogue.ts")};
  import { sampleItem } from ${source("../../src/engine/models/run-values.ts")};
  import { memoryOf } from ${source("../support/process-memory.ts")};
  const memory = () => memoryOf(process.pid).anonymous;
  const catalogue = await ModelCatalogue.open("/nonexistent");
  const { settings } = parseDevice("cpu");
  const threads = [];
  for (const name of ["identity", "mirror", "edges"]) {
    const { definition, program } = await catalogue.get(name);
    const worker = new ProgramWorker();
    await worker.call("open", { source: program, definition, settings });
    threads.push({ worker, item: sampleItem(definition, { width: 512, height: 512 }) });
  }
  const before = memory();
  for (const { worker, item } of threads)
    await worker.call("prepare", { item, count: 1, times: 60 });
  const used = memory();
  let least = used;
  const end = performance.now() + 10_000;
  for (; least - before >= 20 && performance.now() < end; await Bun.sleep(100))
    least = Math.min(least, memory());
  process.stdout.write(JSON.stringify({ before, used, least }));
  process.exit(0);`;

test("a thread that rests gives the memory of its last runs back", async () => {
  const child = Bun.spawn([process.execPath, "-e", SCRIPT], { stdout: "pipe" });
  const { before, used, least } = JSON.parse(await child.stdout.text());
  expect(used - before).toBeGreaterThan(40);
  expect(least - before).toBeLessThan(20);
});
