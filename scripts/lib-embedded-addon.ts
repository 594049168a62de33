/**
 * Loads an addon from inside the compiled binary, of which only it is a part. The addon needs shared libraries, which the
 * dynamic linker looks up by their exact names in a real folder.
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

/** The embedded files by the names that they need on disk, and a folder name that changes with their content. */
export interface EmbeddedFolder {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Loads `addon` and returns its exports: from `lib/` beside the program if that contains it (GPU images also put their
 * provider libraries there), otherwise from the embedded files, unpacked once for all processes of this user. A binary that
 * was built with `--lib` embeds no files.
 */
export function loadAddon(addon: string, embedded: EmbeddedFolder): unknown {
  const beside = join(dirname(process.execPath), "lib");
  const inLib = existsSync(join(beside, addon));
  if (!inLib && Object.keys(embedded.files).length === 0)
    throw new Error(`${join(beside, addon)} is missing: this binary was built without it (--lib)`);
  const folder = inLib ? beside : unpack(embedded);
  const module = { exports: {} };
  process.dlopen(module, join(folder, addon));
  return module.exports;
}

function unpack({ name, files }: EmbeddedFolder): string {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  // Written beside its final place and renamed, so that the folder appears complete.
  const fresh = mkdtempSync(`${folder}.`);
  try {
    // Embedded files cannot be copied by path, so they are read and written.
    for (const [file, source] of Object.entries(files))
      writeFileSync(join(fresh, file), readFileSync(source));
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another process was first
  }
  return folder;
}

/** The user's cache folder, or a private folder under the temporary one if the home is not writable. */
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
    // Code is loaded from here, so a folder that another user owns is never used.
    if (statSync(folder).uid === (process.getuid?.() ?? 0)) return folder;
  }
  throw new Error(
    `neither ${home} nor ${tmpdir()} is a writable folder for the libraries; set XDG_CACHE_HOME`,
  );
}
