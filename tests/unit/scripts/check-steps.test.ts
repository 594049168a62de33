/** What a check reads in the runner's own report: which files it runs once more, and which take the most time. */
import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failuresIn, secondsIn } from "../../../scripts/check-steps.ts";

test("failed tests, and the time of each file, are found in the report of a real run", async () => {
  const folder = await mkdtemp(join(tmpdir(), "check-steps-"));
  const file = (name: string, body: string) =>
    writeFile(join(folder, name), `import { expect, test } from "bun:test";\n${body}`);
  const bad = (name: string) => `test("${name}", () => expect(1).toBe(2));\n`;
  await file("two-bad.test.ts", bad("a > 1") + bad("b"));
  await file("good.test.ts", 'test("c", () => Bun.sleep(300)); test.skip("d", () => {});');
  const report = join(folder, "report.xml");
  const options = ["--reporter=junit", `--reporter-outfile=${report}`];
  const run = Bun.spawn([process.execPath, "test", ...options], {
    cwd: folder,
    stdio: ["ignore", "ignore", "ignore"],
  });
  await run.exited;
  const text = await Bun.file(report).text();
  await rm(folder, { recursive: true });
  expect(failuresIn(text).sort()).toEqual(["two-bad.test.ts", "two-bad.test.ts"]);
  const times = secondsIn(text);
  expect(times.get("good.test.ts")).toBeGreaterThan(0.2);
  expect([...times.keys()].sort()).toEqual(["good.test.ts", "two-bad.test.ts"]);
});

test("an absent report names no file", () => {
  expect(failuresIn("")).toEqual([]);
  expect(secondsIn("").size).toBe(0);
});
