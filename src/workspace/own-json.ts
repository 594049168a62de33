/** Finds the model.json that comes with a model, and the files that it names. */
import { basename, join } from "node:path";
import { type ModelJson, parseModelJson } from "../engine/models/model-json.ts";
import { reason } from "../errors.ts";
import { CommandError } from "./failures.ts";
import { folderOf, isHidden } from "./layout.ts";
import type { Offer, OfferedFile } from "./sources/source.ts";

export const MODEL_JSON = "model.json";
const MAX_BYTES = 2 ** 20;
/** A repository with more is a collection of something else. */
const MAX_FILES = 16;

/** A model.json of an offer. */
export interface OwnJson {
  /** Its folder in the source, with a slash at the end; empty at the top. */
  readonly folder: string;
  readonly text: string;
  readonly json: ModelJson;
  /** The path of its ONNX file in the source; null where it names none and its folder has not exactly one. */
  readonly model: string | null;
}

/**
 * Reads every model.json of an offer that is for this program: others have files of that name, too. Throws CommandError for one
 * that is wrong.
 *
 * @param notes a folder to read them in
 */
export async function readOwnJson(offer: Offer, notes: string): Promise<OwnJson[]> {
  const files = offer.files.filter(
    ({ path, size }) =>
      basename(path) === MODEL_JSON && !isHidden(path) && (size ?? 0) <= MAX_BYTES,
  );
  if (files.length === 0 || files.length > MAX_FILES) return [];
  const wanted = files.map((file, at) => ({ file, to: join(notes, `${MODEL_JSON}-${at}`) }));
  await offer.fetch(wanted);
  const read = wanted.map(async ({ file, to }) => parse(file, await Bun.file(to).text(), offer));
  return (await Promise.all(read)).filter((one) => one !== null);
}

function parse({ path }: OfferedFile, text: string, offer: Offer): OwnJson | null {
  const folder = folderOf(path);
  try {
    const json = parseModelJson(text);
    const beside = offer.files.filter(
      (file) => folderOf(file.path) === folder && file.path.endsWith(".onnx"),
    );
    const only = beside.length === 1 ? (beside[0]?.path ?? null) : null;
    return { folder, text, json, model: json.file === undefined ? only : `${folder}${json.file}` };
  } catch (error) {
    if (!isMeantForUs(text)) return null;
    throw new CommandError(
      `${path} of ${offer.label}: ${reason(error)}\ncorrect it, or add the ONNX file alone`,
      { cause: error },
    );
  }
}

/** Our own describe ports; those of other programs describe networks. */
function isMeantForUs(text: string): boolean {
  try {
    const content: unknown = JSON.parse(text);
    const isObject = typeof content === "object" && content !== null;
    return isObject && ("inputs" in content || "outputs" in content);
  } catch {
    return true; // an unfinished edit
  }
}

/** The files below its folder that a model.json names, such as pictures. */
export function namedFiles({ folder, text, model }: OwnJson, offer: Offer): OfferedFile[] {
  const named = new Set(stringsIn(JSON.parse(text)).map((path) => `${folder}${path}`));
  return offer.files.filter(({ path }) => named.has(path) && path !== model);
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
