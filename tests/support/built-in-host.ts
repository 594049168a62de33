/** Loads built-in models for all tests of a file. */
import { afterAll } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { OnnxWorkspace } from "./onnx-workspace.ts";

/** A host with these models loaded, which is disposed after the last test. Call it at the top level of a test file. */
export async function builtInHost(...models: readonly string[]): Promise<ModelHost> {
  quietLibav();
  const resources = new AsyncDisposableStack();
  afterAll(() => resources.disposeAsync());
  const workspace = resources.use(await OnnxWorkspace.create());
  const host = resources.use(await workspace.host());
  await Promise.all(models.map((name) => host.acquire(name)));
  return host;
}
