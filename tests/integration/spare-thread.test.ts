/** The thread that an engine starts with: its first model takes it over. */
import { expect, spyOn, test } from "bun:test";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ProgramWorker } from "../../src/engine/device/program-worker.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

async function hostWith(workspace: OnnxWorkspace, spare: ProgramWorker): Promise<ModelHost> {
  const catalogue = await ModelCatalogue.open(workspace.path);
  return new ModelHost({ catalogue, device: "cpu", onChange: () => {}, spare });
}

const holdsProgram = (worker: ProgramWorker): Promise<boolean> =>
  worker.call("placements", null).then(
    () => true,
    () => false,
  );

test("the first model takes the thread that is ready, later ones get their own", async () => {
  await using workspace = await OnnxWorkspace.create();
  const spare = new ProgramWorker();
  {
    await using host = await hostWith(workspace, spare);
    expect(await holdsProgram(spare)).toBe(false);
    const [picture, size] = [noisePicture(16, 16), { width: 16, height: 16 }];
    for (const name of ["identity", "edges"]) await host.acquire(name);
    expect(await holdsProgram(spare)).toBe(true);
    const drawn = await drawWith(await host.acquire("identity"), { size, picture });
    expect(drawn.data).toEqual(noisePicture(16, 16).data);
  }
  expect(spare.isAlive).toBe(false);
});

test("a thread that has ended is replaced", async () => {
  await using workspace = await OnnxWorkspace.create();
  const spare = new ProgramWorker();
  await spare[Symbol.asyncDispose]();
  await using host = await hostWith(workspace, spare);
  expect((await host.acquire("identity")).definition.name).toBe("identity");
});

test("a thread that no model took ends with the host", async () => {
  await using workspace = await OnnxWorkspace.create();
  const spare = new ProgramWorker();
  await (await hostWith(workspace, spare))[Symbol.asyncDispose]();
  await spare.exited;
  expect(spare.isAlive).toBe(false);
});

test("a thread that cannot load its modules says why, however late it is called", async () => {
  const script = URL.createObjectURL(new Blob(['throw new Error("undefined symbol: cuInit")']));
  const { Worker } = globalThis;
  using made = spyOn(globalThis, "Worker").mockImplementation((() => new Worker(script)) as never);
  await using worker = new ProgramWorker();
  await worker.exited;
  expect(made).toHaveBeenCalledTimes(1);
  expect(worker.isAlive).toBe(false);
  await expect(worker.call("backends", null)).rejects.toThrow("undefined symbol: cuInit");
});
