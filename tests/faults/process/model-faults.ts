/** Faults of model files: they are damaged, removed or replaced by something else, while the model runs and before it is loaded. */
import { mkdir, rename, rm, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { addModel } from "../../support/onnx-workspace.ts";
import { SPINNING, spinningModel } from "../../support/spinning-model.ts";
import type { Fault } from "../rig/fault.ts";
import type { Worker } from "../rig/worker.ts";

const MODEL = "own";
/** Loaded models are looked at once a second, and changed files are loaded when two looks have seen the same. */
const NOTICED_MS = 2500;

const addOwn = ({ workspace }: Worker): Promise<void> =>
  addModel(workspace, MODEL, SPINNING, spinningModel());

/** A running stream goes on with the version that is loaded; a new one is refused. */
const damaged = (
  name: string,
  strike: (file: string, folder: string) => Promise<unknown>,
  refusedStart?: string,
): Fault => ({
  name: `model: ${name}`,
  family: "process",
  lastsMs: NOTICED_MS,
  resumeWithinMs: 1000,
  end: "none",
  neighboursMayPause: false,
  params: { model: MODEL },
  ...(refusedStart !== undefined && { refusedStart }),
  prepare: addOwn,
  inject: async ({ worker }) => {
    const folder = join(worker.workspace, "models", MODEL);
    await strike(join(folder, "model.onnx"), folder);
    return async () => {
      await rm(folder, { recursive: true, force: true });
      await addOwn(worker);
    };
  },
});

export const MODEL_FAULTS: readonly Fault[] = [
  damaged("file missing", (file) => rm(file), "invalid_request"),
  damaged("file cut short in place", (file) => truncate(file, 100), "invalid_request"),
  damaged("file emptied", (file) => truncate(file, 0), "invalid_request"),
  damaged(
    "file overwritten with a web page",
    (file) => Bun.write(file, "<html>"),
    "invalid_request",
  ),
  damaged("file is another version", (file) => Bun.write(file, spinningModel())),
  damaged("file is a directory", replacedBy(mkdir), "invalid_request"),
  damaged(
    "file is a link to itself",
    replacedBy((file) => symlink(file, file)),
    "invalid_request",
  ),
  damaged(
    "model.json broken",
    (_, folder) => Bun.write(join(folder, "model.json"), "{"),
    "invalid_request",
  ),
  damaged("folder removed", (_, folder) => rm(folder, { recursive: true }), "unknown_model"),
  {
    ...damaged("workspace removed", async () => {}, "unknown_model"),
    inject: async ({ worker: { workspace } }) => {
      await rename(workspace, `${workspace}-away`);
      return async () => {
        await rm(workspace, { recursive: true, force: true });
        await rename(`${workspace}-away`, workspace);
      };
    },
  },
];

function replacedBy(make: (file: string) => Promise<unknown>) {
  return async (file: string): Promise<void> => {
    await rm(file);
    await make(file);
  };
}
