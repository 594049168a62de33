import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { combinedFolder, holdsOnnxRuntime } from "../../../src/native/onnx-runtime-folder.ts";

const place = mkdtempSync(join(tmpdir(), "onnx-runtime-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const ours = folderOf("ours", ["libonnxruntime.so.1", "onnxruntime_binding.node", "node-av.node"]);
const cache = join(place, "cache");

function folderOf(name: string, files: readonly string[]): string {
  const folder = join(place, name);
  mkdirSync(folder);
  for (const file of files) writeFileSync(join(folder, file), name);
  return folder;
}

test("GPU providers of the operator's lie beside our ONNX Runtime, and go before our own files", () => {
  const theirs = folderOf("lib", [
    "libonnxruntime_providers_cuda.so",
    "libcudnn.so.9",
    "libonnxruntime.so.1",
    "README",
  ]);
  const folder = combinedFolder(ours, theirs, [cache]);
  const links = readdirSync(folder).map((name) => [name, readlinkSync(join(folder, name))]);
  expect(Object.fromEntries(links)).toEqual({
    "libcudnn.so.9": join(theirs, "libcudnn.so.9"),
    "libonnxruntime.so.1": join(theirs, "libonnxruntime.so.1"),
    "libonnxruntime_providers_cuda.so": join(theirs, "libonnxruntime_providers_cuda.so"),
    "node-av.node": join(ours, "node-av.node"),
    "onnxruntime_binding.node": join(ours, "onnxruntime_binding.node"),
  });
  expect(combinedFolder(ours, theirs, [cache])).toBe(folder);
  writeFileSync(join(theirs, "libonnxruntime_providers_tensorrt.so"), "");
  expect(combinedFolder(ours, theirs, [cache])).not.toBe(folder);
});

test("links go to the next cache folder where the first is unusable", () => {
  const file = join(place, "file");
  writeFileSync(file, "");
  const theirs = folderOf("lib2", ["libonnxruntime_providers_shared.so"]);
  const other = join(place, "other-cache");
  expect(combinedFolder(ours, theirs, [join(file, "cache"), other])).toStartWith(other);
  expect(() => combinedFolder(ours, theirs, [join(file, "cache")])).toThrow("set XDG_CACHE_HOME");
});

test("a folder counts as ONNX Runtime's by its libraries", () => {
  expect(holdsOnnxRuntime(ours)).toBe(true);
  expect(holdsOnnxRuntime(folderOf("fonts", ["libfont.so"]))).toBe(false);
  expect(holdsOnnxRuntime(join(place, "missing"))).toBe(false);
});
