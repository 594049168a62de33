/** Chooses the ONNX file of an offer: the only one, the one that was named, or the one that a person picks. */
import { formatBytes } from "../engine/models/regular-file.ts";
import { textTable } from "../text-table.ts";
import { CommandError, UsageError } from "./failures.ts";
import { isHidden } from "./layout.ts";
import type { Offer, OfferedFile } from "./sources/source.ts";

/** Files in an error message; more are counted. */
const MAX_LISTED = 40;

/** Asks a person for a line; null where nobody can answer. */
export type Ask = ((question: string) => Promise<string>) | null;

/**
 * @param named the path of a file or folder in the offer, or only the file's name
 */
export async function chooseModel(
  offer: Offer,
  named: string | null,
  ask: Ask,
): Promise<OfferedFile> {
  const models = offer.files.filter(isModel);
  if (models.length === 0) throw new CommandError(noModel(offer));
  const candidates = named === null ? models : matching(models, named);
  const [only] = candidates;
  if (only === undefined) {
    throw new CommandError(
      `${offer.label} has no ONNX file ${JSON.stringify(named)}; it has:\n${list(models)}`,
    );
  }
  if (candidates.length === 1) return only;
  const listed = `${offer.label} has ${candidates.length} ONNX files:\n${list(candidates)}`;
  if (ask === null) {
    throw new CommandError(
      `${listed}\nname one with --file, e.g. --file ${JSON.stringify(only.path)}`,
    );
  }
  const answer = (await ask(`${listed}\nnumber or path: `)).trim();
  const chosen = candidates[Number(answer) - 1] ?? matching(candidates, answer)[0];
  if (answer === "" || chosen === undefined)
    throw new UsageError(`${JSON.stringify(answer)} is none of them`);
  return chosen;
}

/** AppleDouble files of macOS archives have the names of the files that they describe. */
const isModel = ({ path }: OfferedFile): boolean => /\.onnx$/i.test(path) && !isHidden(path);

/** The file at that path, else all in that folder, else all of that name. */
function matching(files: readonly OfferedFile[], named: string): readonly OfferedFile[] {
  const path = named.replace(/^(\.?\/)+|\/+$/g, "");
  const tests: ((file: OfferedFile) => boolean)[] = [
    (file) => file.path === path,
    (file) => file.path.startsWith(`${path}/`),
    (file) =>
      file.path.endsWith(`/${path}`) ||
      file.path.endsWith(`/${path}.onnx`) ||
      file.path === `${path}.onnx`,
  ];
  for (const test of tests) {
    const found = files.filter(test);
    if (found.length > 0) return found;
  }
  return [];
}

function noModel({ label, files, kind }: Offer): string {
  if (kind !== null) return `${label} ${kind}`;
  if (files.length === 0) return `${label} is empty`;
  return `${label} has no .onnx file; it has:\n${list(files)}`;
}

function list(files: readonly OfferedFile[]): string {
  const rows = files
    .slice(0, MAX_LISTED)
    .map(({ path, size }, at) => [`  ${at + 1}`, path, size === null ? "" : formatBytes(size)]);
  const more = files.length > MAX_LISTED ? [`  … and ${files.length - MAX_LISTED} more`] : [];
  return [...textTable(rows), ...more].join("\n");
}
