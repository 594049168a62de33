/** Reads the `Livepeer` header: the base64 JSON of a job, in every form that callers send (protocol.md 3). */
import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { reason, WorkerError } from "../../../errors.ts";
import { parseJson } from "../../exact-json.ts";
import { checked } from "../../field-errors.ts";

const text = (description: string) => Type.Optional(Type.String({ expects: "text", description }));

/** The job as its caller describes it. Unknown members are ignored. */
export const LivepeerJob = Type.Object(
  {
    request: text("JSON text of the request"),
    parameters: text("JSON text of the parameters"),
    capability: text("name of the capability"),
    timeout_seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4_294_967_295, expects: "a positive integer" }),
    ),
  },
  { additionalProperties: true },
);
export type LivepeerJob = Static<typeof LivepeerJob>;

const HEADER = "Livepeer";

/** What nearly all callers send. */
const STANDARD_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Adds `livepeer` to the context: the job, or null without the header. A malformed header is always a 400. */
export const livepeerHeader = new Elysia({ name: "livepeer-header" })
  .guard({
    as: "scoped",
    headers: Type.Object({
      livepeer: Type.Optional(Type.String({ description: "base64 of a job as JSON" })),
    }),
  })
  .resolve({ as: "scoped" }, ({ headers }) => ({
    livepeer: headers["livepeer"] === undefined ? null : parseLivepeerHeader(headers["livepeer"]),
  }));

/**
 * Accepts the standard and the URL-safe alphabet, with or without padding, with white space anywhere.
 * Throws `invalid_request` naming the header, or the member that is wrong.
 */
export function parseLivepeerHeader(value: string): LivepeerJob {
  const bare = STANDARD_BASE64.test(value)
    ? value
    : value.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  const digits = bare.replace(/=+$/, "");
  if (
    !/^[A-Za-z0-9+/]+$/.test(digits) ||
    digits.length % 4 === 1 ||
    bare.length - digits.length > 2
  )
    throw malformed("must be base64");
  let job: unknown;
  try {
    const bytes = Buffer.from(digits, "base64");
    job = parseJson(UTF8.decode(bytes));
  } catch (error) {
    throw malformed(`must be base64 of JSON in UTF-8: ${reason(error)}`, error);
  }
  if (typeof job !== "object" || job === null || Array.isArray(job))
    throw malformed("must hold a JSON object");
  try {
    return checked(LivepeerJob, job);
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    const details = error.details.map(({ field, problem }) => ({
      field: `${HEADER}.${field}`,
      problem,
    }));
    const message = details.map(({ field, problem }) => `${field} ${problem}`).join("; ");
    throw new WorkerError("invalid_request", message, { details, cause: error });
  }
}

/** The error for a route that requires the header and got none. */
export const missingLivepeerHeader = () =>
  malformed("is required and must be base64 of a job as JSON");

function malformed(problem: string, cause?: unknown): WorkerError {
  const message = `the ${HEADER} header ${problem}`;
  return new WorkerError("invalid_request", message, {
    details: [{ field: HEADER, problem }],
    ...(cause === undefined ? {} : { cause }),
  });
}
