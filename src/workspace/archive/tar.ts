/** Reads tar archives, plain or compressed with gzip. A pass over the whole archive lists them, another extracts. */
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { reason } from "../../errors.ts";
import { CommandError, Unusable } from "../failures.ts";
import type { Transfer } from "../progress.ts";
import type { OfferedFile } from "../sources/source.ts";
import { writeAll } from "../write-all.ts";
import { type ArchiveReader, EntryRules, entryPath, isFileError } from "./archive.ts";

export interface TarOptions {
  readonly label: string;
  readonly kind: "tar" | "tar.gz";
  readonly signal: AbortSignal;
}

/** Throws Unusable for a damaged archive, or one that breaks the rules for entries. */
export async function openTar(path: string, options: TarOptions): Promise<ArchiveReader> {
  const { label, signal } = options;
  const rules = new EntryRules(label);
  const files: OfferedFile[] = [];
  await eachEntry(path, options, rules, async ({ header, body }) => {
    const kind = kindOf(header.type);
    const name = entryPath(header.name);
    rules.check({ path: name, kind });
    if (kind === "file") files.push({ path: name, size: header.size });
    await body.cancel();
    signal.throwIfAborted();
  });
  return {
    files,
    extract: async (wanted, transfer, stop) => {
      const left = new Map(wanted.map((one) => [one.file.path, one]));
      await eachEntry(path, options, rules, async ({ header, body }) => {
        const name = entryPath(header.name);
        const one = left.get(name);
        left.delete(name);
        if (one === undefined) await body.cancel();
        else await write(body, one.to, { transfer, stop });
        stop.throwIfAborted();
      });
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function kindOf(type: ParsedTarEntry["header"]["type"]) {
  switch (type) {
    case undefined:
    case "file":
      return "file";
    case "directory":
      return "folder";
    case "link":
    case "symlink":
      return "link";
    default:
      return "special";
  }
}

async function eachEntry(
  path: string,
  { label, kind }: TarOptions,
  rules: EntryRules,
  visit: (entry: ParsedTarEntry) => Promise<void>,
): Promise<void> {
  const packed = Bun.file(path);
  let unpackedBytes = 0;
  const watched = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      unpackedBytes += chunk.length;
      rules.checkRatio("content", unpackedBytes, packed.size);
      controller.enqueue(chunk);
    },
  });
  const content: ReadableStream<Uint8Array> =
    kind === "tar.gz"
      ? packed.stream().pipeThrough(new DecompressionStream("gzip"))
      : packed.stream();
  try {
    const entries = content.pipeThrough(watched).pipeThrough(createTarDecoder({ strict: true }));
    for await (const entry of entries) await visit(entry);
  } catch (error) {
    if (error instanceof CommandError || isFileError(error)) throw error;
    throw new Unusable(`${label} is damaged: ${reason(error)}; download it again`, {
      cause: error,
    });
  }
}

interface Writing {
  readonly transfer: Transfer;
  readonly stop: AbortSignal;
}

async function write(
  body: ReadableStream<Uint8Array>,
  to: string,
  { transfer, stop }: Writing,
): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const target = await open(to, "w");
  let length = 0;
  try {
    for await (const chunk of body) {
      stop.throwIfAborted();
      await writeAll(target, chunk, length);
      length += chunk.length;
      transfer.advance(chunk.length);
    }
  } finally {
    await target.close();
  }
}
