/** Loads the addons of node-av and onnxruntime-node in the compiled binary, whose build puts this in place of their loaders. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { reason } from "../errors.ts";
import { embedded } from "./embedded.ts";
import { combinedFolder, holdsOnnxRuntime } from "./onnx-runtime-folder.ts";
import { damagedLibraries, replaceDamaged, unpack, unpackedFolder } from "./unpack.ts";

const ONNX_RUNTIME = "onnxruntime_binding.node";

/** Unpacks what the binary embeds. To be awaited before a module that loads an addon is imported. */
export async function prepareLibraries(): Promise<void> {
  if (embedded.libraries.length > 0) await unpack(embedded);
}

/** Reads all unpacked libraries and compares them with what the binary embeds, for `doctor`; null where none are unpacked. */
export async function examineLibraries(): Promise<{ folder: string; damaged: string[] } | null> {
  const folder = embedded.libraries.length > 0 ? unpackedFolder(embedded) : null;
  return folder === null ? null : { folder, damaged: await damagedLibraries(embedded, folder) };
}

/** Unpacks these libraries to `folder` again. Processes that have loaded the old files keep them. */
export const replaceLibraries = (folder: string, names: readonly string[]): Promise<void> =>
  replaceDamaged(embedded, folder, names);

/** Returns the exports of an addon. Works in every thread, after `prepareLibraries`. */
export function loadAddon(addon: string): unknown {
  const path = join(addon === ONNX_RUNTIME ? onnxRuntimeFolder() : ownFolder(addon), addon);
  const module = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    throw new Error(`${path} cannot be loaded: ${reason(error)}${advice(error)}`, { cause: error });
  }
  return module.exports;
}

/** `lib/` beside the binary: where a build with `--lib` puts all libraries, and operators their GPU providers. */
const libFolder = (): string => join(dirname(process.execPath), "lib");

function ownFolder(addon: string): string {
  const lib = libFolder();
  if (existsSync(join(lib, addon))) return lib;
  const unpacked = unpackedFolder(embedded);
  if (unpacked !== null) return unpacked;
  throw new Error(
    embedded.libraries.length === 0
      ? `${join(lib, addon)} is missing: this binary was built without it (--lib)`
      : `the unpacked ${addon} was removed while the program ran: start it again`,
  );
}

function onnxRuntimeFolder(): string {
  const operators = process.env["ORT_LIB_DIR"] || libFolder();
  if (existsSync(join(operators, ONNX_RUNTIME))) return operators;
  const own = ownFolder(ONNX_RUNTIME);
  return holdsOnnxRuntime(operators) ? combinedFolder(own, operators) : own;
}

function advice(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  if (message.includes("failed to map segment"))
    return "; its file system is probably mounted noexec: move the libraries to one that allows code";
  return message.includes("libstdc++") ? "; install the package libstdc++6 (libstdc++)" : "";
}
