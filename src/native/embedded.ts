/** Lists the native libraries inside the compiled binary. Run from source there are none; the build replaces this module. */

/** A library in zstd frames: the paths of the embedded files, each `FRAME_BYTES` when unpacked, the last one shorter. */
export interface EmbeddedLibrary {
  /** Its file name, by which the dynamic linker looks for it. */
  readonly name: string;
  readonly bytes: number;
  /** Of the unpacked file, in hexadecimal. */
  readonly sha256: string;
  readonly frames: readonly string[];
}

/** What one binary embeds. `key` changes with the content. */
export interface EmbeddedLibraries {
  readonly key: string;
  readonly libraries: readonly EmbeddedLibrary[];
}

export const FRAME_BYTES = 16 * 2 ** 20;

export const embedded: EmbeddedLibraries = { key: "", libraries: [] };
