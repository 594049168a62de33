import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonLinesFile } from "../../../src/server/json-lines-file.ts";
import { recordLogs } from "../../support/log-records.ts";
import { waitFor } from "../../support/wait-for.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "usage-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (name: string) => JsonLinesFile.open(join(folder, name), "USAGE_LOG");

/** The records in a file; throws for a line that is not whole. */
const recordsIn = async (name: string): Promise<unknown[]> =>
  (await Bun.file(join(folder, name)).text())
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const count = async (name: string) =>
  (await Bun.file(join(folder, name)).exists()) ? (await recordsIn(name)).length : 0;

test("records are appended to what a file holds, in order, one a line", async () => {
  for (const first of [0, 500]) {
    await using file = await open("usage.jsonl");
    for (let n = 0; n < 500; n++) file.append({ n: first + n, text: "two\nlines" });
  }
  const records = await recordsIn("usage.jsonl");
  expect(records).toEqual(Array.from({ length: 1000 }, (_, n) => ({ n, text: "two\nlines" })));
});

test("several writers of one file leave whole lines", async () => {
  const files = await Promise.all([open("a"), open("a"), open("a")]);
  for (let n = 0; n < 200; n++) for (const file of files) file.append({ n, pad: "x".repeat(500) });
  await Promise.all(files.map((file) => file[Symbol.asyncDispose]()));
  expect(await recordsIn("a")).toHaveLength(600);
});

test.each([
  ["in a folder that is missing", "missing/usage.jsonl"],
  ["that is a folder", "."],
])("a file %s is refused with the setting and the path", async (_, name) => {
  await expect(open(name)).rejects.toThrow(
    `USAGE_LOG names a file that cannot be written: ${join(folder, name)}`,
  );
});

test("a pipe without a reader is refused rather than waited for", async () => {
  expect(Bun.spawnSync(["mkfifo", join(folder, "pipe")]).exitCode).toBe(0);
  await expect(open("pipe")).rejects.toThrow("cannot be written");
});

test("after the file was moved away, the next record makes it anew", async () => {
  await using file = await open("usage.jsonl");
  file.append({ n: 1 });
  await waitFor("the first", async () => (await count("usage.jsonl")) === 1);
  await rename(join(folder, "usage.jsonl"), join(folder, "usage.jsonl.1"));
  file.append({ n: 2 });
  await waitFor("the second", async () => (await count("usage.jsonl")) === 1);
  expect(await recordsIn("usage.jsonl.1")).toEqual([{ n: 1 }]);
  expect(await recordsIn("usage.jsonl")).toEqual([{ n: 2 }]);
});

test("records wait while their folder is gone, and are written once it is back", async () => {
  await using logged = await recordLogs("info");
  await mkdir(join(folder, "logs"));
  await using file = await open("logs/usage.jsonl");
  await rm(join(folder, "logs"), { recursive: true });
  for (let n = 0; n < 1003; n++) file.append({ n });
  await waitFor("a failure", () => logged.messages.length > 0);
  await mkdir(join(folder, "logs"));
  file.append({ n: 1003 });
  await waitFor("the records", () => logged.messages.length > 1);
  await waitFor("all of them", async () => (await count("logs/usage.jsonl")) === 1000);
  const numbers = await recordsIn("logs/usage.jsonl");
  expect([numbers[0], numbers.at(-1)]).toEqual([{ n: 4 }, { n: 1003 }]); // the latest thousand
  expect(logged.messages).toEqual([
    "USAGE_LOG: the file cannot be written; records wait in memory",
    "USAGE_LOG: the file is written again",
  ]);
  expect(logged.all[1]?.properties).toMatchObject({ lost: 4 });
});

test("a full disk is reported once, and at the end with the records that were lost", async () => {
  await using logged = await recordLogs("info");
  const file = await JsonLinesFile.open("/dev/full", "USAGE_LOG");
  for (let n = 0; n < 5; n++) {
    file.append({ n });
    await waitFor("the failure", () => logged.messages.length > 0);
  }
  await file[Symbol.asyncDispose]();
  expect(logged.all.map(({ properties }) => properties["error"] ?? properties["lost"])).toEqual([
    expect.stringContaining("ENOSPC"),
    5,
  ]);
});

test("a line that fits only in part is taken back", async () => {
  const module = join(import.meta.dir, "../../../src/server/json-lines-file.ts");
  const script = `
    import { JsonLinesFile } from ${JSON.stringify(module)};
    const file = await JsonLinesFile.open("usage.jsonl", "USAGE_LOG");
    for (let n = 0; n < 20; n++) file.append({ n, pad: "x".repeat(300) });
    await file[Symbol.asyncDispose]();
  `;
  // No file may be longer than 4 KiB, which ends a write in the middle as a full disk does.
  const limited = `trap '' XFSZ; ulimit -f 4; exec "$0" -e "$1"`;
  const child = Bun.spawn(["bash", "-c", limited, process.execPath, script], { cwd: folder });
  expect(await child.exited).toBe(0);
  const records = await recordsIn("usage.jsonl");
  expect(records).toHaveLength(12);
  expect((await Bun.file(join(folder, "usage.jsonl")).text()).slice(-2)).toBe("}\n");
});
