/** Writes the licences of all that the binary contains: the standard texts, and the packages' own files with their copyrights. */
import { join } from "node:path";
import spdx from "spdx-license-list/full.js";
import { NATIVE_FILES } from "../../src/native/parts.ts";
import { licenseTexts, type NpmPackage } from "../notice/npm-packages.ts";

/** One file a licence, by its SPDX identifier, and one a package below `npm`. */
export async function writeLicenses(
  folder: string,
  packages: readonly NpmPackage[],
): Promise<void> {
  const parts = [...NATIVE_FILES, ...NATIVE_FILES.flatMap(({ links }) => links), ...packages];
  const ids = new Set(parts.flatMap(({ license }) => license.split(/ (?:AND|OR) /)));
  for (const id of ids) {
    const text = spdx[id]?.licenseText;
    if (text === undefined) throw new Error(`${id} is not an identifier of SPDX`);
    await Bun.write(join(folder, `${id}.txt`), `${text.trim()}\n`);
  }
  for (const one of packages) {
    const texts = await licenseTexts(one);
    // A package without such a file names its licence in package.json alone, and the standard text has it.
    if (texts.length > 0)
      await Bun.write(join(folder, "npm", `${one.name.replace("/", "+")}.txt`), texts.join("\n"));
  }
}
