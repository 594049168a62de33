/** Command lines of the project's scripts: what is wrong is refused with the reason and the usage, before anything runs. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { runProgram } from "../support/server-process.ts";

setDefaultTimeout(30_000);

/** What a script makes that does not refuse is made nowhere. */
const NOWHERE = "/proc/nope";
const SCRIPTS = join(import.meta.dir, "../../scripts");

const refused = async (script: string, args: readonly string[]): Promise<string> => {
  const { out, err, code } = await runProgram(join(SCRIPTS, `${script}.ts`), args);
  expect([out, code]).toEqual(["", 2]);
  return err;
};

test.each([
  ["bench", "bench"],
  ["build-binary", "build"],
  ["demo", "demo"],
  ["diffusion-run", "diffusion-run"],
  ["faults", "faults"],
  ["fuzz", "fuzz"],
  ["load", "load"],
  ["network-run", "network-run"],
  ["notice", "notice"],
  ["release", "release"],
  ["settings-page", "settings-page"],
  ["soak", "soak"],
  ["weighty-run", "weighty-run"],
])("%s refuses an unknown option", async (script, name) => {
  const [reason, usage] = (await refused(script, ["--nonsense"])).split("\n");
  expect(reason).toBe(`${name}: Unknown option '--nonsense'`);
  expect(usage).toStartWith(`usage: bun run ${name}`);
});

test("--help prints the usage", async () => {
  const { out, code } = await runProgram(join(SCRIPTS, "bench.ts"), ["--help"]);
  expect(out).toStartWith("usage: bun run bench [pipeline|");
  expect(code).toBe(0);
});

test.each([
  ["bench", ["memory", "--minutes", "abc"], "--minutes must be a number of at least 0.5: abc"],
  ["bench", ["nothing"], "unknown benchmark: nothing"],
  ["bench", ["http", "--out", "/proc/nope"], "mkdir '/proc/nope'"],
  ["build-binary", [NOWHERE, "--level", "23"], "--level must be at most 22: 23"],
  ["build-binary", [NOWHERE, "--target", "vax"], "--target must be linux-x64 or linux-arm64: vax"],
  ["release", [NOWHERE, "--target", "vax"], "--target must be linux-x64 or linux-arm64: vax"],
  ["diffusion-run", ["--side", "100"], "--side must be a multiple of 8 up to 1024: 100"],
  ["weighty-run", ["--megabytes", "1"], "--megabytes must be a number of at least 64: 1"],
  ["demo", ["--port", "99999"], "got 99999"],
] as const)("%s %p is refused", async (script, args, reason) => {
  expect(await refused(script, args)).toContain(reason);
});
