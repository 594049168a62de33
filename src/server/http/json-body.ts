/**
 * Reads JSON bodies, whatever their Content-Type says, within limits: the bytes of one body, the bytes of all bodies
 * that are read at a time, and the time that a body may take.
 */
import { WorkerError } from "../../errors.ts";
import { badJson, HttpError } from "./http-error.ts";

const MIB = 1024 * 1024;
const MAX_BODY_BYTES = 12 * MIB;
/** Batch jobs bring pictures (protocol.md 10). */
export const MAX_BATCH_BYTES = 32 * MIB;
/** A body this small needs no counting as it arrives. */
const SMALL_BYTES = 64 * 1024;
const READ_TIMEOUT_MS = 60_000;

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

export interface ReadOptions {
  /** Default 12 MiB. */
  readonly maxBytes?: number;
  /** Gives up reading, which a minute does in any case. */
  readonly signal?: AbortSignal;
  /** Default: one for the whole process. */
  readonly budget?: BodyBudget;
}

/**
 * The body's value; an empty body is null. Throws HttpError 400 for text that is not JSON and for a body that breaks off,
 * 413 beyond `maxBytes`, `at_capacity` where the budget is exhausted, and `timeout` or the signal's reason. What the headers tell is refused before anything
 * is read.
 */
export async function readJson(
  request: Request,
  { maxBytes = MAX_BODY_BYTES, signal, budget = sharedBudget }: ReadOptions = {},
): Promise<unknown> {
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > maxBytes) throw tooLarge(maxBytes);
  budget.assertRoom(Number(declared ?? 0));
  const isSmall = declared !== null && Number(declared) <= SMALL_BYTES;
  const text = isSmall
    ? await request.text().catch(brokenOff)
    : await readCounting(request, maxBytes, budget, signal);
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badJson(error);
  }
}

/** Reads the body chunk by chunk, counting. Throws as soon as its time is up or `outer` aborts. */
async function readCounting(
  { body }: Request,
  maxBytes: number,
  budget: BodyBudget,
  outer: AbortSignal | undefined,
): Promise<string> {
  if (body === null) return "";
  using deadline = readDeadline(outer);
  const { signal } = deadline;
  signal.throwIfAborted();
  const reader = body.getReader();
  const leave = () => void reader.cancel(signal.reason).catch(() => {}); // the body may have failed meanwhile
  signal.addEventListener("abort", leave, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(brokenOff);
      signal.throwIfAborted();
      if (done) return Buffer.concat(chunks).toString("utf8");
      budget.hold(value.byteLength);
      size += value.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } finally {
    budget.release(size);
    signal.removeEventListener("abort", leave);
    // The rest of a refused body is not wanted; a body that has ended has no rest.
    leave();
  }
}

/** A signal that aborts with `timeout` when a body has had its time, or with the reason of `outer`. */
function readDeadline(outer: AbortSignal | undefined) {
  const late = new AbortController();
  const message = `the body did not arrive within ${READ_TIMEOUT_MS / 1000} s`;
  const timer = setTimeout(() => late.abort(new WorkerError("timeout", message)), READ_TIMEOUT_MS);
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
