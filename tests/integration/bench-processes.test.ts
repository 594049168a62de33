/** Tests what benchmarks need of other programs: their packages, and what they cost. */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { processTree, treeUsage } from "../../scripts/bench/process-tree.ts";
import { cpuSeconds, startServing } from "../../scripts/bench/processes.ts";
import { findReference, installReference } from "../../scripts/bench/python-references.ts";
import { waitFor } from "../support/wait-for.ts";

/** Has a child that works for some CPU time and ends, and one that stays until this one ends. */
const FAMILY = `
  Bun.spawnSync(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
  Bun.spawn(["cat"], { stdin: "pipe" });
  console.log("http://here");
  setInterval(() => {}, 1e6);
`;

test("the usage of a process has that of its children, running and ended", async () => {
  await using family = await startServing([process.execPath, "-e", FAMILY]);
  const [root = 0, child = 0, ...others] = processTree(family.pid);
  expect([root, others]).toEqual([family.pid, []]);
  const [whole, part] = [treeUsage(root), treeUsage(child)];
  const ended = whole.cpuSeconds - part.cpuSeconds - cpuSeconds(root);
  expect(ended).toBeGreaterThan(0.05);
  expect(whole.memoryMb).toBeGreaterThan(part.memoryMb);
  expect(whole.peakMb).toBeGreaterThanOrEqual(whole.memoryMb);
  // Read at the same time as far as that goes: a process that has just started still grows.
  const counted = () => treeUsage(root, child).memoryMb - treeUsage(root).memoryMb;
  await waitFor("a child that is named to count once", () => Math.abs(counted()) < 0.5);
});

test("a program that ends before it serves is reported with its last line", async () => {
  const starting = startServing(["sh", "-c", "echo no module named torch >&2; exit 3"]);
  await expect(starting).rejects.toThrow("exited with 3: no module named torch");
});

test("a reference is found after it was installed, and before that a command is named", () => {
  const reference = { name: `nothing-${process.pid}`, version: "0", size: "0 MB", packages: [] };
  const before = findReference(reference);
  if (Bun.which("python3") === null) return expect(before.kind).toBe("unavailable");
  expect(before).toEqual({
    kind: "unavailable",
    why: `${reference.name} is not installed: bun run bench-references`,
  });
  const made = installReference(reference);
  if (made.kind !== "installed") throw new Error(made.why);
  try {
    expect(findReference(reference)).toEqual(made);
    expect(made.env["PYTHONPATH"]).toBe(made.folder);
  } finally {
    rmSync(made.folder, { recursive: true });
  }
});
