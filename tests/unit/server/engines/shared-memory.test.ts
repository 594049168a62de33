/** Memory for the journal of an engine: what it takes is reserved at once, so that a full disk cannot end a process later. */
import { expect, test } from "bun:test";
import { fstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharedMemory } from "../../../../src/server/engines/shared-memory.ts";

const BYTES = 8192;

test("every page is reserved when the memory is made", () => {
  using memory = sharedMemory(BYTES);
  const { size, blocks } = fstatSync(memory?.fd ?? -1);
  expect(size).toBe(BYTES);
  expect(blocks * 512).toBeGreaterThanOrEqual(BYTES);
});

test("a folder without room is passed over", () => {
  using memory = sharedMemory(BYTES, ["/nonexistent", "/proc", tmpdir()]);
  expect(memory?.bytes).toHaveLength(BYTES);
});

test("without any folder there is none", () => {
  expect(sharedMemory(BYTES, ["/nonexistent"])).toBeNull();
});

test("no file is left behind", () => {
  const folder = mkdtempSync(join(tmpdir(), "shared-memory-"));
  try {
    using memory = sharedMemory(BYTES, [folder]);
    expect(memory?.bytes).toHaveLength(BYTES);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
