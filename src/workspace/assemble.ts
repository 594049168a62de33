/** Fills the staging folder with what belongs to a model: the ONNX file, its weights, its license, its model.json. */
import { basename, join } from "node:path";
import { whatItIs } from "../engine/models/file-kind.ts";
import { formatBytes } from "../engine/models/regular-file.ts";
import { externalDataOf } from "./external-data.ts";
import { CommandError, Unusable } from "./failures.ts";
import { report } from "./init.ts";
import { folderOf } from "./layout.ts";
import { licenseFiles, readLicense } from "./license.ts";
import { draftModelJson } from "./model-draft.ts";
import { MODEL_JSON, namedFiles, type OwnJson } from "./own-json.ts";
import type { Offer, OfferedFile } from "./sources/source.ts";
import type { Staging } from "./staging.ts";

/** What a model.json takes. */
const MAX_LICENSE = 100;

export interface Assembly {
  readonly offer: Offer;
  /** The ONNX file. */
  readonly chosen: OfferedFile;
  /** Null for a model that comes without a model.json: one is drafted. */
  readonly ownJson: OwnJson | null;
  readonly staging: Staging;
  readonly name: string;
}

/** Returns lines that tell what was found. Throws Unusable for a file that is no ONNX model. */
export async function assemble(assembly: Assembly): Promise<string[]> {
  const { offer, chosen, ownJson, staging } = assembly;
  // With a model.json, files keep their places relative to it.
  const root = ownJson?.folder ?? folderOf(chosen.path);
  const place = (path: string): string => {
    const target = join(staging.model, path.slice(root.length));
    if (target.startsWith(join(staging.model, "/"))) return target;
    throw new Unusable(`${offer.label} is refused: ${path} leads out of it`);
  };
  const onnx = place(chosen.path);
  await offer.fetch([{ file: chosen, to: onnx }]);
  const kind = await whatItIs(onnx);
  if (kind !== null) throw new Unusable(`${chosen.path} ${kind}`);
  const weights = await findWeights(assembly, onnx);
  const named = ownJson === null ? [] : namedFiles(ownJson, offer);
  const others = [...weights, ...named].map((file) => ({ file, to: place(file.path) }));
  if (others.length > 0) await offer.fetch(others);
  const stated = await fetchLicense(assembly);
  const { license, lines } =
    ownJson === null ? await draft(staging, onnx, stated) : await keepOwn(staging, ownJson);
  return [
    `${basename(chosen.path)}, ${formatBytes(Bun.file(onnx).size)}${sizeOf(weights)}`,
    `license: ${describeLicense(license, stated, offer.label)}`,
    ...lines,
  ];
}

/** @param described what the model.json says: for a drafted one, what is known of the network */
export function describeLicense(
  described: string | undefined,
  stated: string | null,
  label: string,
): string {
  const source = stated === null ? `${label} states none` : `${label} states ${stated}`;
  if (described !== undefined && described !== stated?.slice(0, MAX_LICENSE))
    return `${described} (${source})`;
  return stated ?? `unknown: ${source}; find out before you use it`;
}

/** Files of external data. They keep their place relative to the ONNX file. */
export async function findWeights(
  { offer, chosen }: Pick<Assembly, "offer" | "chosen">,
  onnx: string,
): Promise<OfferedFile[]> {
  const folder = folderOf(chosen.path);
  const found = externalDataOf(onnx, chosen.path).map(async (location) => {
    const file = await offer.find(`${folder}${location}`);
    if (file !== null) return file;
    throw new CommandError(
      `${offer.label} lacks ${location}, which holds the weights of ${chosen.path} (external data): it belongs beside that file`,
    );
  });
  return await Promise.all(found);
}

function sizeOf(weights: readonly OfferedFile[]): string {
  if (weights.length === 0) return "";
  const names = weights.map(
    ({ path, size }) => `${basename(path)}${size === null ? "" : `, ${formatBytes(size)}`}`,
  );
  return ` (with ${names.join("; ")})`;
}

/** Keeps license texts with the model. Returns the license, or null where nothing states it. */
export async function fetchLicense({
  offer,
  chosen,
  staging,
}: Pick<Assembly, "offer" | "chosen" | "staging">): Promise<string | null> {
  const { texts, cards } = licenseFiles(offer, chosen.path);
  const kept = texts.map((file) => ({ file, to: join(staging.model, basename(file.path)) }));
  const read = offer.license === null ? cards : [];
  const notes = read.map((file, at) => ({ file, to: join(staging.notes, `card-${at}`) }));
  if (kept.length + notes.length > 0) await offer.fetch([...kept, ...notes]);
  if (offer.license !== null) return offer.license;
  for (const { to } of [...notes, ...kept]) {
    const license = await readLicense(to);
    if (license !== null) return license;
  }
  return null;
}

/** What a model.json says of the license, and lines about it. */
interface Described {
  readonly license: string | undefined;
  readonly lines: string[];
}

async function keepOwn(staging: Staging, { text, json }: OwnJson): Promise<Described> {
  await Bun.write(join(staging.model, MODEL_JSON), text);
  return { license: json.license, lines: [`with the ${MODEL_JSON} that it came with`] };
}

/** Writes a first model.json, and says what to check in it. */
async function draft(staging: Staging, onnx: string, stated: string | null): Promise<Described> {
  const license = stated?.slice(0, MAX_LICENSE);
  const drafted = await draftModelJson(onnx, license === undefined ? {} : { license });
  await Bun.write(join(staging.model, MODEL_JSON), drafted.text);
  return { license: drafted.json.license, lines: [...report(drafted)] };
}
