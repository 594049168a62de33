/**
 * Reads JSON bodies, whatever their Content-Type says, within limits: the bytes of one body, the bytes of all bodies
 * that are read at a time, and the time that a body may take.
 */
import { WorkerError } from "../../errors.ts";
import { parseJson } from "../exact-json.ts";
import { declaredBytes } from "./content-length.ts";
import { badJson, HttpError } from "./http-error.ts";

const MIB = 1024 * 1024;
const MAX_BODY_BYTES = 12 * MIB;
/** Batch jobs bring pictures (protocol.md 10). */
export const MAX_BATCH_BYTES = 32 * MIB;
/** A body this small needs no counting as it arrives. */
const SMALL_BYTES = 64 * 1024;
export const READ_TIMEOUT_MS = 60_000;

/** Counts the bytes of all bodies that are held in memory, up to a limit. */
export class BodyBudget {
  readonly #limit: number;
  #held = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws `at_capacity` if `bytes` more do not fit. */
  assertRoom(bytes: number): void {
    if (this.#held + bytes <= this.#limit) return;
    const message = `the server is reading as many request bodies as it can (${this.#limit} bytes); try later`;
    throw new WorkerError("at_capacity", message);
  }

  /** Throws as `assertRoom`. Give the bytes back by `release`. */
  hold(bytes: number): void {
    this.assertRoom(bytes);
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}

const sharedBudget = new BodyBudget(256 * MIB);

/** What wants the body. */
export interface BodyReader {
  readonly signal: AbortSignal;
  /** Throws the reason for which it wants the body no more, if there is one. */
  throwIfEnded(): void;
}

export interface ReadOptions {
  /** Default 12 MiB. */
  readonly maxBytes?: number;
  /** Reading ends with it. Its signal is not read for small bodies when `timeoutMs` is null. */
  readonly reader?: BodyReader;
  /** Time for the whole body; null where the reader has a deadline of its own. Default: a minute. */
  readonly timeoutMs?: number | null;
  /** Default: one for the whole process. */
  readonly budget?: BodyBudget;
  /** The value of an empty body. Default: null. */
  readonly empty?: object;
}

/**
 * The body's value. Throws HttpError 400 for text that is not JSON and for a body that breaks off,
 * 413 beyond `maxBytes`, `at_capacity` where the budget is exhausted, and `timeout` or the signal's reason. Requests whose
 * headers exceed a limit are refused before the body is read.
 */
export async function readJson(request: Request, options: ReadOptions = {}): Promise<unknown> {
  const { maxBytes = MAX_BODY_BYTES, timeoutMs = READ_TIMEOUT_MS, budget = sharedBudget } = options;
  const declared = declaredBytes(request.headers);
  if ((declared ?? 0) > maxBytes) throw tooLarge(maxBytes);
  budget.assertRoom(declared ?? 0);
  const isSmall = declared !== null && declared <= SMALL_BYTES;
  using deadline = timeoutMs === null ? null : readDeadline(timeoutMs, options.reader?.signal);
  let text: string;
  if (!isSmall) {
    const signal = deadline?.signal ?? options.reader?.signal;
    text = await readCounting(request, maxBytes, budget, signal);
  } else {
    const whole = request.text().catch(brokenOff);
    text = deadline === null ? await whole : await orAbort(whole, deadline.signal);
    options.reader?.throwIfEnded();
  }
  if (text.trim() === "") return options.empty ?? null;
  try {
    return parseJson(text);
  } catch (error) {
    throw badJson(error);
  }
}

/** Reads the body chunk by chunk, counting. Throws as soon as the signal aborts. */
async function readCounting(
  { body }: Request,
  maxBytes: number,
  budget: BodyBudget,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (body === null) return "";
  signal?.throwIfAborted();
  const reader = body.getReader();
  const leave = () => void reader.cancel(signal?.reason).catch(() => {}); // the body may have failed meanwhile
  signal?.addEventListener("abort", leave, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(brokenOff);
      signal?.throwIfAborted();
      if (done) return Buffer.concat(chunks).toString("utf8");
      budget.hold(value.byteLength);
      size += value.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } finally {
    budget.release(size);
    signal?.removeEventListener("abort", leave);
    // The rest of a refused body is not wanted; a body that has ended has no rest.
    leave();
  }
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A signal that aborts with `timeout` when a body has had its time, or with the reason of `outer`. */
function readDeadline(timeoutMs: number, outer: AbortSignal | undefined) {
  const late = new AbortController();
  const message = `the body did not arrive within ${timeoutMs / 1000} s`;
  const timer = setTimeout(() => late.abort(new WorkerError("timeout", message)), timeoutMs);
  return {
    signal: outer === undefined ? late.signal : AbortSignal.any([late.signal, outer]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

function brokenOff(cause: unknown): never {
  const error = new HttpError(400, "invalid_request", "the body broke off");
  error.cause = cause;
  throw error;
}

const tooLarge = (maxBytes: number) =>
  new HttpError(413, "body_too_large", `the body exceeds ${maxBytes} bytes`);
