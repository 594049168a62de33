/** Finds out under which license a model comes: from its repository, a license file, a wheel's metadata, or a model card. */
import { readFile } from "node:fs/promises";
import { folderOf, isHidden } from "./layout.ts";
import type { Offer, OfferedFile } from "./sources/source.ts";

/** A text beyond this is not a license. */
const MAX_BYTES = 2 ** 20;
const LICENSE_FILE = /^(licen[cs]e|copying|notice|unlicense)([._-][\w.-]*)?$/i;
const CARD_FILE = /^(metadata|pkg-info|readme\.md)$/i;

/** Files that state the license of an offered model. */
export interface LicenseFiles {
  /** License texts, which are handed on with the model. */
  readonly texts: readonly OfferedFile[];
  /** Model cards and package metadata, which are only read. */
  readonly cards: readonly OfferedFile[];
}

/** Those of the model's folder, or else of the nearest folder above, and those of a wheel's metadata. */
export function licenseFiles(offer: Offer, model: string): LicenseFiles {
  const files = offer.files.filter(({ path, size }) => !isHidden(path) && (size ?? 0) <= MAX_BYTES);
  const nearest = (pattern: RegExp): OfferedFile[] => {
    const found = files.filter(({ path }) => pattern.test(nameOf(path)));
    for (let folder = folderOf(model); ; folder = folderOf(folder.slice(0, -1))) {
      const here = found.filter(({ path }) => folderOf(path) === folder);
      if (here.length > 0) return here;
      if (folder === "") break;
    }
    return found.filter(({ path }) => /^[^/]+\.(dist|egg)-info(\/licenses)?\/[^/]+$/.test(path));
  };
  return { texts: nearest(LICENSE_FILE), cards: nearest(CARD_FILE) };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The license that a text states or is; null where it cannot be told. */
export async function readLicense(path: string): Promise<string | null> {
  const text = (await readFile(path, "utf8")).slice(0, MAX_BYTES);
  return statedIn(text) ?? recognize(text);
}

/** In the header of a wheel's METADATA (PEP 639 and before), or in the front matter of a model card. */
function statedIn(text: string): string | null {
  const head = /^---\n(.*?)\n---/s.exec(text)?.[1] ?? text.split(/\n\s*\n/)[0] ?? "";
  const field = (name: string): string | null => {
    const value = new RegExp(`^${name}:[ \\t]*(\\S[^\\n]*)$`, "im").exec(head)?.[1]?.trim() ?? null;
    return value === null || /^unknown$/i.test(value) ? null : value.replace(/^["']|["']$/g, "");
  };
  const classifier = /^Classifier: License :: (?:OSI Approved :: )?(.+)$/m.exec(head)?.[1];
  const stated = field("License-Expression") ?? field("License") ?? classifier ?? null;
  return stated === "other" ? (field("license_name") ?? stated) : stated;
}

/** Phrases of license texts, the more special ones first. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/Apache License\s+Version 2\.0/i, "Apache-2.0"],
  [/GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3/i, "AGPL-3.0"],
  [/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/i, "LGPL-3.0"],
  [/GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1/i, "LGPL-2.1"],
  [/GNU GENERAL PUBLIC LICENSE\s+Version 3/i, "GPL-3.0"],
  [/GNU GENERAL PUBLIC LICENSE\s+Version 2/i, "GPL-2.0"],
  [/Mozilla Public License Version 2\.0/i, "MPL-2.0"],
  [/Attribution-NonCommercial-ShareAlike 4\.0/i, "CC-BY-NC-SA-4.0"],
  [/Attribution-NonCommercial 4\.0/i, "CC-BY-NC-4.0"],
  [/Attribution-ShareAlike 4\.0/i, "CC-BY-SA-4.0"],
  [/Attribution 4\.0 International/i, "CC-BY-4.0"],
  [/CC0 1\.0 Universal/i, "CC0-1.0"],
  [/CreativeML Open RAIL/i, "CreativeML OpenRAIL"],
  [/Permission is hereby granted, free of charge/i, "MIT"],
  [/Neither the name of[\s\S]*may be used to endorse/i, "BSD-3-Clause"],
  [/Redistribution and use in source and binary forms/i, "BSD-2-Clause"],
  [/This is free and unencumbered software/i, "Unlicense"],
];

const recognize = (text: string): string | null =>
  TEXTS.find(([phrase]) => phrase.test(text))?.[1] ?? null;
