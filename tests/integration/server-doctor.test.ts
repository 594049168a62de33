/** The command `doctor`: what it reports of devices and models, and when it exits with 1. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readConfig } from "../../src/config.ts";
import { examine } from "../../src/server/doctor.ts";
import { FakeComfy } from "../support/fake-comfyui.ts";
import { OnnxWorkspace, simpleModel } from "../support/onnx-workspace.ts";
import { FAKE_ENGINE, MAIN, runProgram } from "../support/server-process.ts";

setDefaultTimeout(30_000);

const fakeEngine = (behaviour: string) => ({
  command: [process.execPath, FAKE_ENGINE],
  env: { PATH: process.env["PATH"] ?? "", FAKE_ENGINE: behaviour },
});

test("doctor runs every model on the CPU and reports the provider that ran it", async () => {
  const { out, code } = await runProgram(MAIN, ["doctor", "--device", "cpu"]);
  expect(out).toContain("device cpu: ok");
  expect(out).toMatch(/identity +built-in +ready +CPUExecutionProvider/);
  expect(code).toBe(0);
});

test("doctor examines the ComfyUI that COMFYUI_URL names, also where no device works", async () => {
  await using comfy = new FakeComfy();
  const { url } = comfy;
  const doctor = async () =>
    await runProgram(MAIN, ["doctor", "--device", "cuda:7", "--comfyui-url", url]);
  const label = `ComfyUI at COMFYUI_URL (${url})`;
  const works = await doctor();
  expect(works.out).toContain(`${label}: ok, version 0.3.64, cpu`);
  await comfy[Symbol.asyncDispose]();
  const { out, code } = await doctor();
  expect(out).toContain(`${label}: FAILED: it refused the connection; start it, or correct`);
  expect(code).toBe(1);
});

test("doctor waits for a model that is still loading when its stream has ended", async () => {
  const config = readConfig(["--device", "cpu"], {});
  const { ok, report } = await examine(config, fakeEngine("warms-late"), "0.0.0");
  expect(report).toMatch(/slow +built-in +ready/);
  expect(ok).toBe(true);
});

test("doctor names a configured device that is missing, and exits with 1", async () => {
  const { out, code } = await runProgram(MAIN, ["doctor", "--device", "cuda:7"]);
  expect(out).toContain("device cuda:7: FAILED: the device cuda:7");
  expect(out).toContain("or choose another device, e.g. --device cpu");
  expect(code).toBe(1);
});

test("doctor tries the other models when one is broken or cannot be loaded, and exits with 1", async () => {
  await using workspace = await OnnxWorkspace.create();
  const odd = simpleModel("float32", [1, 3, "H", "W"], (graph, x) =>
    graph.node("NoSuchOperator", [x]),
  );
  await workspace.add("odd", {}, odd);
  await workspace.add("torn", {}, odd.subarray(0, 60));
  const flags = ["doctor", "--device", "cpu", "--workspace", workspace.path];
  const { out, code } = await runProgram(MAIN, flags);
  expect(out).toContain("device cpu: ok");
  expect(out).toMatch(/odd +models\/odd +failed .*NoSuchOperator/);
  expect(out).toMatch(/torn +models\/torn +failed .*cut short/);
  expect(out).toMatch(/thermal +built-in +ready +CPUExecutionProvider/);
  expect(code).toBe(1);
});

test("doctor names the model that was running when its engine ended", async () => {
  const config = readConfig(["--device", "cpu"], {});
  const { ok, report } = await examine(config, fakeEngine("dies-on-start"), "0.0.0");
  expect(report).toMatch(/device cpu: FAILED: its engine ended: .* \(while it ran model \w+\)/);
  expect(ok).toBe(false);
});
