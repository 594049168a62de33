/** Downloads a file, resumes it after cut connections and in later calls, and checks its length. */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { reason } from "../../errors.ts";
import { CommandError, describeSystemError, Unusable } from "../failures.ts";
import { requireFreeSpace } from "../free-space.ts";
import type { Progress, Transfer } from "../progress.ts";
import { writeAll } from "../write-all.ts";
import {
  discardDownload,
  downloadedBytes,
  isAnother,
  readState,
  validatorOf,
  writeState,
} from "./download-state.ts";
import { type HttpAnswer, type Requester, shown } from "./requester.ts";

/** A connection that carries nothing for this long is given up, and the download resumed by another. */
const STALL_MS = 30_000;
/** Waits before attempts that follow one without any progress. */
const RETRY_DELAYS_MS = [500, 1000, 2000, 4000];
/** Bounds a server that cuts every connection after some bytes. */
const MAX_ATTEMPTS = 100;
const SPACE_STEP_BYTES = 64 * 2 ** 20;

export interface DownloadOptions {
  readonly url: URL;
  /** Where the bytes are gathered; what an earlier call left there is continued. `<path>.json` keeps what is known of it. */
  readonly path: string;
  /** What people call it. */
  readonly label: string;
  /** For the server that `url` names. */
  readonly token?: string | undefined;
  /** In bytes, where it is known beforehand. */
  readonly size?: number | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly stallMs?: number;
  readonly retryDelaysMs?: readonly number[];
}

/** Why an attempt ended, where another may succeed. */
class Cut extends Error {}

/**
 * Resolves when the whole file is at `path`. Throws CommandError for what the server refuses, for a connection that breaks
 * again and again, and for a file that does not fit; Unusable for a file of another size than `size`.
 */
export async function download(requester: Requester, options: DownloadOptions): Promise<void> {
  const { path, label, progress, signal, retryDelaysMs = RETRY_DELAYS_MS } = options;
  await mkdir(dirname(path), { recursive: true });
  const transfer = progress.start(label, options.size ?? null, await downloadedBytes(path));
  let futile = 0;
  try {
    for (let attempt = 1; ; attempt++) {
      const before = await downloadedBytes(path);
      try {
        await attemptDownload(requester, options, transfer);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        futile = (await downloadedBytes(path)) > before ? 0 : futile + 1;
        const wait = futile === 0 ? 0 : retryDelaysMs[futile - 1];
        if (wait === undefined || attempt >= MAX_ATTEMPTS) {
          const why =
            error instanceof CommandError
              ? error.message
              : `${shown(options.url)}: ${reason(error)}`;
          throw new CommandError(`${label} could not be downloaded: ${why}`, { cause: error });
        }
        await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  } finally {
    transfer.end();
  }
}

/** Failures of the network that the same request would meet again: names, refusals, certificates. */
const LASTING = /ENOTFOUND|ECONNREFUSED|EPROTO|CERT|SELF_SIGNED|UNABLE_TO/;

function isPassing(error: unknown): boolean {
  if (error instanceof Cut) return true;
  if (!(error instanceof CommandError && error.cause instanceof Error)) return false;
  return !("code" in error.cause && LASTING.test(String(error.cause.code)));
}

async function attemptDownload(
  requester: Requester,
  options: DownloadOptions,
  transfer: Transfer,
): Promise<void> {
  const { url, path, token, signal } = options;
  const known = await readState(path);
  const present = known?.validator == null ? 0 : await downloadedBytes(path);
  // A file that is complete is asked for its last byte: the answer says whether it is still the same.
  const from = known?.size != null && present >= known.size ? Math.max(0, known.size - 1) : present;
  const stop = new AbortController();
  const range = { Range: `bytes=${from}-`, "If-Range": known?.validator ?? "" };
  const answer = await requester.request(url, {
    headers: from > 0 ? range : {},
    token,
    signal: AbortSignal.any([signal, stop.signal]),
  });
  try {
    if (answer.response.status === 416) throw await startOver(path);
    const { start, size } = startOf(answer, from, options);
    if (start > 0 && known && isAnother(answer.response, size, known)) throw await startOver(path);
    await requireSize(options, size);
    await requireFreeSpace(dirname(path), (size ?? 0) - start);
    await using file = await openAt(path, start);
    if (start === 0) await writeState(path, { validator: validatorOf(answer.response), size });
    transfer.restart(size, start);
    const length = await receive(answer.response, { file, start, transfer, stop, options });
    const whole = size ?? options.size ?? length;
    if (length !== whole) throw new Cut(`the connection ended after ${length} of ${whole} bytes`);
  } finally {
    stop.abort(); // a body that is not read to its end keeps its connection
  }
}

/** Where the answer's body begins in the file, and how long the file is. Throws for answers without a file. */
function startOf({ response, url }: HttpAnswer, from: number, { label, token }: DownloadOptions) {
  const { status, headers } = response;
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new CommandError(
      `${shown(url)} sends ${label} compressed with ${encoding}, though it was asked not to; download it with a browser`,
    );
  }
  if (status === 206) {
    const [, start, size] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "") ?? [];
    if (Number(start) === from) return { start: from, size: size === "*" ? null : Number(size) };
    throw new Cut("the server sent another part of the file than it was asked for");
  }
  if (status === 200) {
    const length = headers.get("content-length");
    return { start: 0, size: length === null ? null : Number(length) };
  }
  throw refusal(status, `${label} at ${shown(url)}`, token);
}

function refusal(status: number, what: string, token: string | undefined): Error {
  if (status === 408 || status === 429 || status >= 500)
    return new Cut(`the server answered ${status}`);
  const hint: Record<number, string> = {
    401: token === undefined ? "it wants a login" : "it does not accept the token",
    403: token === undefined ? "the server forbids it" : "the token does not allow it",
    404: "it does not exist: check the address",
    410: "it does not exist any more",
  };
  return new CommandError(
    `${what} cannot be downloaded (${status}): ${hint[status] ?? "the server refused"}`,
  );
}

async function requireSize({ label, size, path }: DownloadOptions, found: number | null) {
  if (size === undefined || found === null || found === size) return;
  await discardDownload(path);
  throw new Unusable(
    `${label} has ${found} bytes, but ${size} are expected: it was changed at its source`,
  );
}

interface Reception {
  readonly file: FileHandle;
  /** Where the body begins in the file. */
  readonly start: number;
  readonly transfer: Transfer;
  readonly stop: AbortController;
  readonly options: DownloadOptions;
}

/** Writes the body behind what is there; returns the length of the file. */
async function receive(response: Response, reception: Reception): Promise<number> {
  const { file, start, transfer, stop, options } = reception;
  const { path, stallMs = STALL_MS } = options;
  let length = start;
  const onStall = () => stop.abort(new Cut(`nothing arrived for ${stallMs / 1000} s`));
  let timer = setTimeout(onStall, stallMs);
  try {
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(onStall, stallMs);
      await writeAll(file, chunk, length);
      // A body of unknown length must not fill the disk.
      const steps = [length, length + chunk.length].map((at) => Math.floor(at / SPACE_STEP_BYTES));
      if (steps[0] !== steps[1]) await requireFreeSpace(dirname(path), 0);
      length += chunk.length;
      transfer.advance(chunk.length);
    }
    return length;
  } catch (error) {
    // Errors of the disk do not pass.
    if (error instanceof CommandError || describeSystemError(error) !== null) throw error;
    throw stop.signal.aborted ? stop.signal.reason : new Cut(reason(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function openAt(path: string, start: number) {
  const file = await open(path, start === 0 ? "w" : "r+");
  if (start > 0) await file.truncate(start);
  return Object.assign(file, { [Symbol.asyncDispose]: () => file.close() });
}

/** Forgets what is there: the file on the server is another one now. */
async function startOver(path: string): Promise<Cut> {
  await discardDownload(path);
  return new Cut("the file changed on the server");
}
