/**
 * The interface of a source of models. Each source is one file beside this one and one row of `find-source.ts`; what it offers
 * is a list of files, from which `models add` takes an ONNX file and what belongs to it.
 */
import type { Checksum } from "../checksum.ts";
import type { Environment } from "../http/proxy.ts";
import type { Progress } from "../progress.ts";
import type { Staging } from "../staging.ts";

export interface Source {
  /** How an argument for this source is written, for help. */
  readonly syntax: string;
  /** Null where the argument is not for this source. Throws CommandError for one that is, but is wrong. */
  locate(argument: string): Promise<Location | null>;
}

/** What an argument points to. Nothing has been read or downloaded. */
export interface Location {
  /** The same for every call that could continue this one's downloads; null for a source without downloads. */
  readonly key: string | null;
  /** The path of a file or folder inside, from the argument; null where it names none. */
  readonly inside: string | null;
  /** Reads or downloads as much as is needed to know what there is. The caller disposes the offer. */
  open(context: SourceContext): Promise<Offer>;
}

export interface SourceContext {
  readonly env: Environment;
  readonly staging: Staging;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** `--sha256`. A source that is one file checks that file; a repository checks the ONNX file. */
  readonly checksum: Checksum | null;
}

export interface OfferedFile {
  /** Its path in the source, with forward slashes. */
  readonly path: string;
  /** In bytes; null where only its download tells. */
  readonly size: number | null;
}

/** A file to fetch, and the path of its copy. */
export interface Wanted {
  readonly file: OfferedFile;
  readonly to: string;
}

export interface Offer extends AsyncDisposable {
  /** How messages name the source. */
  readonly label: string;
  /** The name for a model whose file has no telling one (`model.onnx`). */
  readonly title: string;
  /** All files, or those that are known before others are asked for. */
  readonly files: readonly OfferedFile[];
  /** The license as the source itself states it, e.g. in a repository's metadata. */
  readonly license: string | null;
  /** What the source is where it holds no ONNX file, as the predicate of a sentence; null where there is nothing to add. */
  readonly kind: string | null;
  /** A file that need not be among `files`; null where there is none. */
  find(path: string): Promise<OfferedFile | null>;
  /** Copies or downloads these files; parent folders are made. Throws CommandError. */
  fetch(wanted: readonly Wanted[]): Promise<void>;
}

/** Looks a path up in a list of files. */
export const findIn = (files: readonly OfferedFile[], path: string): OfferedFile | null =>
  files.find((file) => file.path === path) ?? null;
