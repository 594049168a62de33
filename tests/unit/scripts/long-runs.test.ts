/** A long run that is killed must not leave servers behind, which would crowd the next one. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../../support/wait-for.ts";

const ROOT = join(import.meta.dir, "../../..");

test.each(["faults", "soak", "load", "fuzz", "network-run", "test"])(
  "what `bun run %s` has started ends with it",
  async (name) => {
    const { scripts } = await Bun.file(join(ROOT, "package.json")).json();
    expect(scripts[name]).toContain(" --no-orphans ");
  },
);

test.if(process.platform === "linux")("a child of a killed run is gone", async () => {
  const parent = `const child = Bun.spawn(["sleep", "60"]); console.log(child.pid); await child.exited;`;
  await using run = Bun.spawn([process.execPath, "--no-orphans", "-e", parent], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { value } = await run.stdout.getReader().read();
  const child = Number(new TextDecoder().decode(value));
  expect(isAlive(child)).toBe(true);
  run.kill("SIGKILL");
  await waitFor("the end of the child", () => !isAlive(child));
});

/** A process that has ended and that its new parent has not noticed yet is a zombie. */
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return false;
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
