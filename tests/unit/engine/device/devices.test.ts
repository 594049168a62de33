import { expect, test } from "bun:test";
import {
  givingBack,
  parseDevice,
  settingsFor,
  withoutFallback,
} from "../../../../src/engine/device/devices.ts";

test("a GPU without a number is the first one, and its provider comes before the CPU", () => {
  expect(parseDevice("cuda").name).toBe("cuda:0");
  expect(parseDevice("cuda:2").settings.executionProviders).toEqual([
    { name: "cuda", deviceId: 2 },
    "cpu",
  ]);
  expect(parseDevice("tensorrt:1").executionProvider).toBe("TensorrtExecutionProvider");
});

test("a CPU leaves one core to the codecs but always has a lane; a GPU has one", () => {
  expect([1, 2, 8].map(parseDevice("cpu").lanes)).toEqual([1, 1, 7]);
  expect(parseDevice("cuda:0").lanes(8)).toBe(1);
});

test.each(["gpu", "cpu:1", "cuda:x", "", "CUDA"])(
  "the device %j is refused with the names",
  (name) => {
    expect(() => parseDevice(name)).toThrow("use cpu, cuda, cuda:N or tensorrt:N");
  },
);

test("a proof allows no node on the CPU", () => {
  const { executionProviders, extra } = withoutFallback(parseDevice("tensorrt:0").settings);
  expect(executionProviders).not.toContain("cpu");
  expect(extra.session.disable_cpu_ep_fallback).toBe("1");
});

test("threads of a run do not spin while they wait, which one thread never does", () => {
  const cpu = parseDevice("cpu");
  expect(settingsFor(cpu, null).intraOpNumThreads).toBe(1);
  expect(settingsFor(cpu, null).extra).toEqual(cpu.settings.extra);
  expect(settingsFor(cpu, 2)).toMatchObject({
    intraOpNumThreads: 2,
    extra: { session: { ...cpu.settings.extra?.session, intra_op: { allow_spinning: "0" } } },
  });
});

test("a session keeps the memory of its runs, unless they are of large pictures", () => {
  const cpu = parseDevice("cpu");
  expect(settingsFor(cpu, null).enableCpuMemArena).toBe(true);
  expect(settingsFor(cpu, null, "large").enableCpuMemArena).toBe(false);
});

test("tensors of a run come in one piece only where none are kept from the run before", () => {
  const cpu = parseDevice("cpu");
  expect(settingsFor(cpu, null).enableMemPattern).toBe(false);
  expect(settingsFor(cpu, null, "large").enableMemPattern).toBe(true);
});

test("a session that gives memory back does so on the CPU alone", () => {
  expect(givingBack(parseDevice("cpu").settings)).toMatchObject({
    enableCpuMemArena: false,
    enableMemPattern: true,
  });
  for (const name of ["cuda:0", "tensorrt:0"]) {
    const { settings } = parseDevice(name);
    expect(givingBack(settings)).toBe(settings);
  }
});

test("sessions on a GPU are profiled while they warm up, those on the CPU are not", () => {
  expect(settingsFor(parseDevice("cuda:0"), null).enableProfiling).toBe(true);
  expect(settingsFor(parseDevice("cpu"), null).enableProfiling).toBeUndefined();
});
