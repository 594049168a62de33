/** What is known of a download that has begun, in a small file beside it, so that a later call can continue it. */
import { rm, stat } from "node:fs/promises";
import { type Static, Type } from "@sinclair/typebox";
import { nullable } from "../../schema.ts";
import { check } from "../../schema-check.ts";

const DownloadState = Type.Object({
  /** Tells whether the file on the server is still the same (RFC 9110 section 13.1.5); null: it cannot be resumed. */
  validator: nullable(Type.String()),
  /** Of the whole file, in bytes; null where the server does not say it. */
  size: nullable(Type.Integer()),
});
export type DownloadState = Static<typeof DownloadState>;

const statePath = (path: string): string => `${path}.json`;

/** Null where nothing is known, and the download begins anew. */
export async function readState(path: string): Promise<DownloadState | null> {
  const content: unknown = await Bun.file(statePath(path))
    .json()
    .catch(() => null); // there is none, or it was cut while it was written
  return check(DownloadState).Check(content) ? (content as DownloadState) : null;
}

export async function writeState(path: string, state: DownloadState): Promise<void> {
  await Bun.write(statePath(path), JSON.stringify(state));
}

/** Deletes the download and what is known of it. */
export async function discardDownload(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(statePath(path), { force: true });
}

/** In bytes; 0 where there is nothing yet. */
export const downloadedBytes = async (path: string): Promise<number> =>
  (await stat(path).catch(() => null))?.size ?? 0;

/** A weak ETag does not promise the same bytes. */
export function validatorOf({ headers }: Response): string | null {
  const etag = headers.get("etag");
  if (etag?.startsWith('"')) return etag;
  return headers.get("last-modified");
}

/** Whether a part comes from another file than `known`. Some servers send parts whatever If-Range says. */
export function isAnother(response: Response, size: number | null, known: DownloadState): boolean {
  const validator = validatorOf(response);
  if (size !== null && known.size !== null && size !== known.size) return true;
  return validator !== null && validator !== known.validator;
}
