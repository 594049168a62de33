/** Downloads a file, resumes it after cut connections and in later calls, and checks its length. */
import { type FileHandle, mkdir, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { reason } from "../../errors.ts";
import { check } from "../../schema-check.ts";
import { CommandError, Unusable } from "../failures.ts";
import { requireFreeSpace } from "../free-space.ts";
import type { Progress, Transfer } from "../progress.ts";
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

/** What is known of a download that has begun. */
const State = Type.Object({
  /** Tells whether the file on the server is still the same (RFC 9110 section 13.1.5); null: it cannot be resumed. */
  validator: Type.Union([Type.String(), Type.Null()]),
  size: Type.Union([Type.Integer(), Type.Null()]),
});
type State = Static<typeof State>;

/** Why an attempt ended, where another may succeed. */
class Cut extends Error {}

/**
 * Resolves when the whole file is at `path`. Throws CommandError for what the server refuses, for a connection that breaks
 * again and again, and for a file that does not fit; Unusable for a file of another size than `size`.
 */
export async function download(requester: Requester, options: DownloadOptions): Promise<void> {
  const { path, label, progress, signal, retryDelaysMs = RETRY_DELAYS_MS } = options;
  await mkdir(dirname(path), { recursive: true });
  const transfer = progress.start(label, options.size ?? null, await sizeOf(path));
  let futile = 0;
  try {
    for (let attempt = 1; ; attempt++) {
      const before = await sizeOf(path);
      try {
        await attemptDownload(requester, options, transfer);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        futile = (await sizeOf(path)) > before ? 0 : futile + 1;
        const delay = futile === 0 ? 0 : retryDelaysMs[futile - 1];
        if (delay === undefined || attempt >= MAX_ATTEMPTS) {
          const why =
            error instanceof CommandError
              ? error.message
              : `${shown(options.url)}: ${reason(error)}`;
          throw new CommandError(`${label} could not be downloaded: ${why}`, { cause: error });
        }
        await sleep(delay, signal);
      }
    }
  } finally {
    transfer.end();
  }
}

/** Errors of the network itself pass, and are the cause of a CommandError or not CommandErrors at all. */
const isPassing = (error: unknown): boolean =>
  error instanceof Cut || (error instanceof CommandError && error.cause instanceof Error);

async function attemptDownload(
  requester: Requester,
  options: DownloadOptions,
  transfer: Transfer,
): Promise<void> {
  const { url, path, token, signal } = options;
  const known = await readState(path);
  const present = known?.validator == null ? 0 : await sizeOf(path);
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
    if (start > 0 && isAnother(answer.response, size, known)) throw await startOver(path);
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
      /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
    if (Number(start) === from) return { start: from, size: Number(size) };
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
    403: "it may not be read with this login",
    404: "it does not exist: check the address",
    410: "it does not exist any more",
  };
  return new CommandError(
    `${what} cannot be downloaded (${status}): ${hint[status] ?? "the server refused"}`,
  );
}

async function requireSize({ label, size, path }: DownloadOptions, found: number | null) {
  if (size === undefined || found === null || found === size) return;
  await discard(path);
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
      await file.write(chunk, 0, chunk.length, length);
      // A body of unknown length must not fill the disk.
      const steps = [length, length + chunk.length].map((at) => Math.floor(at / SPACE_STEP_BYTES));
      if (steps[0] !== steps[1]) await requireFreeSpace(dirname(path), 0);
      length += chunk.length;
      transfer.advance(chunk.length);
    }
    return length;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOSPC")
      throw new CommandError("the disk is full: make room, or choose another --workspace");
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
  await discard(path);
  return new Cut("the file changed on the server");
}

async function discard(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(statePath(path), { force: true });
}

/** Some servers send ranges whatever If-Range says. */
function isAnother(response: Response, size: number | null, known: State | null): boolean {
  const validator = validatorOf(response);
  return size !== known?.size || (validator !== null && validator !== known?.validator);
}

/** A weak ETag does not promise the same bytes. */
function validatorOf({ headers }: Response): string | null {
  const etag = headers.get("etag");
  if (etag?.startsWith('"')) return etag;
  return headers.get("last-modified");
}

const statePath = (path: string): string => `${path}.json`;

async function readState(path: string): Promise<State | null> {
  const content: unknown = await Bun.file(statePath(path))
    .json()
    .catch(() => null); // there is none, or it was cut while it was written: start from the beginning
  return check(State).Check(content) ? (content as State) : null;
}

const writeState = (path: string, state: State) =>
  Bun.write(statePath(path), JSON.stringify(state));

const sizeOf = async (path: string): Promise<number> =>
  (await stat(path).catch(() => null))?.size ?? 0;

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(done.resolve, ms);
  const onAbort = () => done.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await done.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
