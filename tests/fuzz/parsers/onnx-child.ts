/** Loads and runs hostile networks with ONNX Runtime as a model's thread does, in a process of its own; see `onnx-sessions.ts`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDevice } from "../../../src/engine/device/devices.ts";
import { OnnxProgram } from "../../../src/engine/device/worker/onnx-program.ts";
import { readModelFolder } from "../../../src/engine/models/model-folder.ts";
import { WorkerError } from "../../../src/errors.ts";
import { serveCases } from "./child.ts";

const { settings } = parseDevice("cpu");
const workspace = mkdtempSync(join(tmpdir(), "fuzz-sessions-"));
process.on("exit", () => rmSync(workspace, { recursive: true, force: true }));

serveCases(async (file: Uint8Array) => {
  await Bun.write(join(workspace, "models/m/model.onnx"), file);
  writeFileSync(join(workspace, "models/m/model.json"), "{}");
  const entry = await readModelFolder(workspace, "m");
  if (entry?.state !== "usable" || !("path" in entry.program)) return;
  try {
    const program = await OnnxProgram.open(entry.program, entry.definition, settings);
    await program.release();
  } catch (error) {
    if (!(error instanceof WorkerError && error.kind === "model_failed")) throw error;
  }
});
