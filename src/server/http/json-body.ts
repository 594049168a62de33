/** Hides how a body is read: as JSON whatever its Content-Type says, and never more than a limit of it. */
import { Elysia } from "elysia";
import { HttpError } from "./http-error.ts";

const MAX_BODY_BYTES = 12 * 1024 * 1024;

/** Routes ask for it with `parse: "limited"`; an empty body is null. */
export const jsonBody = new Elysia({ name: "json-body" }).parser("limited", ({ request }) =>
  readJson(request),
);

/** Throws SyntaxError for what is no JSON and HttpError 413 beyond 12 MiB. */
export async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request);
  return text.trim() === "" ? null : JSON.parse(text);
}

async function readText(request: Request): Promise<string> {
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  // A stated length is kept to by the server: no need to count.
  if (length !== null) return request.text();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const tooLarge = () =>
  new HttpError(413, "body_too_large", `the body exceeds ${MAX_BODY_BYTES} bytes`);
