/** The interface of an archive's reader, and the rules for its entries: an archive may come from anybody. */
import { Unusable } from "../failures.ts";
import type { Transfer } from "../progress.ts";
import type { OfferedFile, Wanted } from "../sources/source.ts";

export interface ArchiveReader extends AsyncDisposable {
  /** Its regular files. */
  readonly files: readonly OfferedFile[];
  /** Extracts these files of `files`, and reports the bytes written. */
  extract(wanted: readonly Wanted[], transfer: Transfer, signal: AbortSignal): Promise<void>;
}

/** An entry as its archive describes it. */
export interface ArchiveEntry {
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "special";
}

const MAX_ENTRIES = 100_000;
const MAX_PATH = 1024;
/** Folders in one another. */
const MAX_PARTS = 64;
/** Of one part of a path: what file systems take. */
const MAX_NAME_BYTES = 255;
/** Deflate reaches 1032 with nothing but zeros; weights stay far below. */
const MAX_RATIO = 100;
/** Whatever its ratio, so much is harmless. */
const HARMLESS_BYTES = 2 ** 30;
const REMEDY = "if you trust it, unpack it yourself and add the folder";

/** Throws Unusable for an archive with such an entry: an honest one has none. */
export class EntryRules {
  readonly #label: string;
  readonly #paths = new Set<string>();
  /** Folders of the files, which no file may be. */
  readonly #folders = new Set<string>();

  constructor(label: string) {
    this.#label = label;
  }

  check({ path, kind }: ArchiveEntry): void {
    const shown = JSON.stringify(path.slice(0, 200));
    const parts = path.replace(/\/$/, "").split("/");
    if (path.includes("\\")) this.#refuse(`a name with a backslash: ${shown}`);
    if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) this.#refuse(`an absolute path: ${shown}`);
    if (parts.includes("..")) this.#refuse(`a path that leads out of it: ${shown}`);
    const isLong = path.length > MAX_PATH || parts.length > MAX_PARTS || parts.some(isLongName);
    if (/\p{Cc}/u.test(path) || isLong) this.#refuse(`a bad path: ${shown}`);
    if (kind === "link") this.#refuse(`a link: ${shown}`);
    if (kind === "special") this.#refuse(`a device or pipe: ${shown}`);
    if (kind === "folder") return;
    // `a//b` and `a/./b` are other names of `a/b`.
    if (parts.some((part) => part === "" || part === ".")) this.#refuse(`a bad path: ${shown}`);
    this.#addFolders(path);
    if (this.#folders.has(path)) this.#refuse(`a file and a folder of the same name: ${shown}`);
    if (this.#paths.has(path)) this.#refuse(`two files of the same name: ${shown}`);
    this.#paths.add(path);
    if (this.#paths.size > MAX_ENTRIES) this.#refuse(`more than ${MAX_ENTRIES} files`);
  }

  #addFolders(path: string): void {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (this.#folders.has(folder)) return;
      this.#folders.add(folder);
      if (this.#paths.has(folder))
        this.#refuse(
          `a file and a folder of the same name: ${JSON.stringify(folder.slice(0, 200))}`,
        );
    }
  }

  /** Throws Unusable for content that is far larger than its compressed form. */
  checkRatio(what: string, bytes: number, compressed: number): void {
    if (bytes > HARMLESS_BYTES && bytes > MAX_RATIO * compressed)
      this.#refuse(`${what} that unpacks to more than ${MAX_RATIO} times its size (a zip bomb)`);
  }

  #refuse(what: string): never {
    throw new Unusable(`${this.#label} is refused: it contains ${what}; ${REMEDY}`);
  }
}

const isLongName = (part: string): boolean => Buffer.byteLength(part) > MAX_NAME_BYTES;

/** Entry paths may begin with `./`, which says nothing. */
export const entryPath = (path: string): string => path.replace(/^(\.\/+)+/, "");

/** Errors of the disk that is written to, such as ENOSPC: the archive is not at fault. */
export const isFileError = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && "code" in error;
