/** A source: one ONNX file of this machine, with the weights and the model.json that lie beside it. */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { whatItIs } from "../../engine/models/file-kind.ts";
import { parseModelJson } from "../../engine/models/model-json.ts";
import { requireChecksum } from "../checksum.ts";
import { CommandError } from "../failures.ts";
import { stemOf } from "../layout.ts";
import { offerLocalFiles } from "./local-files.ts";
import { findLocalPath } from "./local-path.ts";
import type { OfferedFile, Source } from "./source.ts";

export const file: Source = {
  syntax: "file.onnx",
  locate: async (argument) => {
    const found = await findLocalPath(argument);
    if (found === null || found.info.isDirectory()) return null;
    const { path, info, inside } = found;
    if (inside !== null)
      throw new CommandError(`${basename(path)} is not an archive, so there is no ${inside} in it`);
    return {
      key: null,
      inside: null,
      open: async (context) => {
        const name = basename(path);
        const kind = await whatItIs(path);
        if (kind !== null) throw new CommandError(`${name} ${kind}`);
        if (!name.endsWith(".onnx"))
          throw new CommandError(`${name}: the name of an ONNX file ends in .onnx: rename it`);
        if (context.checksum) await requireChecksum(path, name, context.checksum);
        const files = [{ path: name, size: info.size }, ...(await modelJsonOf(path))];
        const folder = dirname(path);
        return offerLocalFiles({ folder, label: name, title: stemOf(name), files }, context);
      },
    };
  },
};

/** The model.json beside the file, if it names that file: the folder may be one for downloads of any kind. */
async function modelJsonOf(path: string): Promise<OfferedFile[]> {
  const json = join(dirname(path), "model.json");
  const info = await stat(json).catch(() => null);
  if (!info?.isFile()) return [];
  try {
    const isItsOwn = parseModelJson(await Bun.file(json).text()).file === basename(path);
    return isItsOwn ? [{ path: "model.json", size: info.size }] : [];
  } catch {
    return []; // it belongs to something else
  }
}
