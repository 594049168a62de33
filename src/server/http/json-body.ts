/** Hides how a body is read: as JSON whatever its Content-Type says, and never more than a limit of it. */
import { Elysia } from "elysia";
import { HttpError } from "./http-error.ts";

const MAX_BODY_BYTES = 12 * 1024 * 1024;
/** Batch jobs bring pictures (protocol.md 10). */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;

/** Routes ask for it with `parse: "limited"`, batch jobs with `parse: "batch"`; an empty body is null. */
export const jsonBody = new Elysia({ name: "json-body" })
  .parser("limited", ({ request }) => readJson(request))
  .parser("batch", ({ request }) => readJson(request, MAX_BATCH_BYTES));

/** Throws SyntaxError for what is no JSON and HttpError 413 beyond `maxBytes`, 12 MiB if not given. */
export async function readJson(request: Request, maxBytes = MAX_BODY_BYTES): Promise<unknown> {
  const text = await readText(request, maxBytes);
  return text.trim() === "" ? null : JSON.parse(text);
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  // A stated length is kept to by the server: no need to count.
  if (length !== null) return request.text();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const tooLarge = (maxBytes: number) =>
  new HttpError(413, "body_too_large", `the body exceeds ${maxBytes} bytes`);
