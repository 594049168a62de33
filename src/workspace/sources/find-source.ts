/** The table of sources. A new source is one more file and one more row. */
import { CommandError } from "../failures.ts";
import { archive } from "./archive.ts";
import { file } from "./file.ts";
import { folder } from "./folder.ts";
import { https } from "./https.ts";
import { huggingFace } from "./hugging-face.ts";
import type { Location, Source } from "./source.ts";

/** The first that recognizes an argument reads it. */
const SOURCES: readonly Source[] = [huggingFace, https, folder, archive, file];

/** Throws CommandError for an argument that no source recognizes. */
export async function findSource(argument: string): Promise<Location> {
  for (const source of SOURCES) {
    const location = await source.locate(argument);
    if (location !== null) return location;
  }
  const known = SOURCES.map(({ syntax }) => syntax).join(", ");
  throw new CommandError(
    `${JSON.stringify(argument)} is neither a file nor a folder here; a model is added from: ${known}`,
  );
}
