import { expect, setDefaultTimeout, test } from "bun:test";
import { readConfig } from "../../src/config.ts";
import { examine } from "../../src/server/doctor.ts";
import { FAKE_ENGINE, MAIN, runProgram } from "../support/server-process.ts";

setDefaultTimeout(30_000);

test("doctor runs every model on the CPU and says what really ran it", async () => {
  const { out, code } = await runProgram(MAIN, ["doctor", "--device", "cpu"]);
  expect(out).toContain("device cpu: ok");
  expect(out).toMatch(/identity +built-in +ready +CPUExecutionProvider/);
  expect(code).toBe(0);
});

test("doctor waits for a model that is still loading when its stream has ended", async () => {
  const env = { PATH: process.env["PATH"] ?? "", FAKE_ENGINE: "warms-late" };
  const command = { command: [process.execPath, FAKE_ENGINE], env };
  const { ok, report } = await examine(readConfig(["--device", "cpu"], {}), command, "0.0.0");
  expect(report).toMatch(/slow +built-in +ready/);
  expect(ok).toBe(true);
});

test("doctor names an asked-for device that is missing, and exits with 1", async () => {
  const { out, code } = await runProgram(MAIN, ["doctor", "--device", "cuda:7"]);
  expect(out).toContain("device cuda:7: FAILED");
  expect(code).toBe(1);
});
