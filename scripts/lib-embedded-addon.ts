/**
 * Part of the compiled binary alone: how an addon that needs real shared libraries beside it is loaded from inside
 * one file. The dynamic linker wants the libraries under their exact names in a real folder.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** The embedded files by the names that they must have on disk, and a name that changes with their content. */
export interface EmbeddedFolder {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * The exports of `addon`, loaded from `lib/` beside the program where that holds it (a GPU image puts its provider
 * libraries there too), otherwise from the embedded folder, unpacked once for all processes of this user.
 */
export function loadAddon(addon: string, embedded: EmbeddedFolder): unknown {
  const beside = join(dirname(process.execPath), "lib");
  const folder = existsSync(join(beside, addon)) ? beside : unpack(embedded);
  const module = { exports: {} };
  process.dlopen(module, join(folder, addon));
  return module.exports;
}

function unpack({ name, files }: EmbeddedFolder): string {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  // Beside its final place, so that the rename is atomic: whoever sees the folder sees all of it.
  const fresh = mkdtempSync(`${folder}.`);
  try {
    // Read and written: embedded files cannot be copied by path.
    for (const [file, source] of Object.entries(files))
      writeFileSync(join(fresh, file), readFileSync(source));
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another process was first
  }
  return folder;
}

/** The user's cache folder; a private one under the temporary folder where there is no home that can be written. */
function cacheFolder(): string {
  const program = basename(process.execPath);
  const home = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const private_ = `${program}-${process.getuid?.() ?? "user"}`;
  for (const folder of [join(home, program), join(tmpdir(), private_)]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch {
      continue;
    }
    // What is loaded from here runs: never from a folder that somebody else has put there.
    if (statSync(folder).uid === (process.getuid?.() ?? 0)) return folder;
  }
  throw new Error(`neither ${home} nor ${tmpdir()} can hold the libraries; set XDG_CACHE_HOME`);
}
