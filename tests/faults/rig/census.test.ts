/** The census finds leaks and names them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { Counts } from "../../support/process-holdings.ts";
import { waitFor } from "../../support/wait-for.ts";
import { difference, processCensus } from "./census.ts";

let folder: string;
let child: Subprocess;
let last: unknown = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "census-"));
  const program = join(import.meta.dir, "leaky-process.ts");
  const preload = join(import.meta.dir, "census-preload.ts");
  child = Bun.spawn([process.execPath, `--preload=${preload}`, program, "engine"], {
    env: { ...process.env, CENSUS_FOLDER: folder, TMPDIR: folder },
    stdio: ["ignore", "ignore", "inherit"],
    ipc: (message) => {
      last = message;
    },
  });
  await waitFor("the process", () => last === "ready");
});
afterAll(async () => {
  child.disconnect();
  await child.exited;
  await rm(folder, { recursive: true });
});

const count = (): Promise<Counts> =>
  processCensus([{ role: "engine", pid: child.pid }], folder, { "temporary files": folder });

async function leak(name: string): Promise<string[]> {
  const before = await count();
  child.send(name);
  await waitFor(name, () => last === name);
  let leaks: string[] = [];
  await waitFor(`the census to see a leaked ${name}`, async () => {
    leaks = difference(before, await count());
    return leaks.length > 0;
  });
  return leaks;
}

test("nothing has leaked where nothing was done", async () => {
  expect(difference(await count(), await count())).toEqual([]);
});

test.each([
  ["timer", "engine: interval made at tests/faults/rig/leaky-process.ts"],
  ["frame", "engine: AVFrame made at tests/faults/rig/leaky-process.ts"],
  ["socket", "engine: sockets connected"],
  ["request", "engine: fetch made at tests/faults/rig/leaky-process.ts"],
  ["child", "engine: child sleep"],
  ["temporary folder", "temporary files: leak-"],
  ["open file", "engine: open file /proc"],
  ["thread", "engine: threads Worker"],
  ["streams", "engine: ReadableStream objects"],
])("a leak is found and named: %s", async (name, named) => {
  expect((await leak(name)).join("\n")).toContain(named);
});
