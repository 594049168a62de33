/** A machine that lacks something says nothing about models: they stay what they were, and those that fail are tried again. */
import { dlopen, FFIType } from "bun:ffi";
import { expect, test } from "bun:test";
import { ModelCatalogue } from "../../../../src/engine/models/catalogue.ts";
import { isShortage, shortageRetryMs } from "../../../../src/engine/models/shortage.ts";
import { WorkerError } from "../../../../src/errors.ts";
import { OnnxWorkspace } from "../../../support/onnx-workspace.ts";
import { SPINNING, spinningModel } from "../../../support/spinning-model.ts";

/** From sys/resource.h. */
const RLIMIT_NOFILE = 7;

test("shortages are told from faults of a model by code, text or cause", () => {
  const emfile = Object.assign(new Error("open"), { code: "EMFILE" });
  const missing = Object.assign(new Error("open"), { code: "ENOENT" });
  expect(isShortage(emfile)).toBe(true);
  expect(isShortage(new WorkerError("model_failed", "it fails", { cause: emfile }))).toBe(true);
  expect(isShortage(new Error("CUDA failure 2: out of memory"))).toBe(true);
  expect(isShortage(new Error("std::bad_alloc"))).toBe(true);
  expect(isShortage(missing)).toBe(false);
  expect(isShortage(new Error("Unknown operator"))).toBe(false);
});

test("a model for which memory is short again and again is tried ever more rarely", () => {
  expect([1, 2, 3, 5, 6, 100].map((inARow) => shortageRetryMs(inARow) / 1000)).toEqual([
    10, 20, 40, 160, 300, 300,
  ]);
});

test.skipIf(process.platform !== "linux")(
  "without file descriptors models stay what they were, and new ones are read later",
  async () => {
    await using workspace = await OnnxWorkspace.create();
    await workspace.add("known", SPINNING, spinningModel());
    const catalogue = await ModelCatalogue.open(workspace.path);
    const before = catalogue.list().map(({ name, state }) => `${name} ${state}`);
    await workspace.add("new", SPINNING, spinningModel());
    {
      using _none = withoutFiles();
      expect((await catalogue.entry("known"))?.state).toBe("usable");
      expect((await catalogue.entry("edges"))?.state).toBe("usable");
      expect(await catalogue.get("new").catch(({ message }) => message)).toMatch(/too many open/);
      await catalogue.refresh();
    }
    expect(before).toContain("known usable");
    expect((await catalogue.get("new")).state).toBe("usable");
  },
);

/** No file can be opened until the result is disposed. */
function withoutFiles(): Disposable {
  const { symbols, close } = dlopen("libc.so.6", {
    setrlimit: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
    getrlimit: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  });
  const before = new BigUint64Array(2);
  symbols.getrlimit(RLIMIT_NOFILE, before);
  symbols.setrlimit(RLIMIT_NOFILE, BigUint64Array.of(0n, before[1] ?? 0n));
  return {
    [Symbol.dispose]: () => {
      symbols.setrlimit(RLIMIT_NOFILE, before);
      close();
    },
  };
}
