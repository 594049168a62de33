import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = join(import.meta.dir, "../../../scripts/release.ts");
const folder = mkdtempSync(join(tmpdir(), "release-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a release that cannot have its image fails before it starts, and names the flag that leaves it out", async () => {
  writeFileSync(join(folder, "old"), "");
  const child = Bun.spawn([process.execPath, SCRIPT, folder], {
    env: { ...process.env, DOCKER_HOST: `unix://${join(folder, "none")}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [err, code] = await Promise.all([child.stderr.text(), child.exited]);
  expect(code).toBe(1);
  expect(err).toMatch(
    /the release has no image: (docker is not installed|no Docker daemon answers)/,
  );
  expect(err).toContain("--without-image");
  expect(readdirSync(folder)).toEqual(["old"]);
});
