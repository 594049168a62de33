/** Hides Elysia's own errors: everything that fails leaves with the one error body. */
import { type AnyElysia, Elysia, NotFoundError, ParseError, ValidationError } from "elysia";
import { CAPABILITIES } from "../../capabilities/registry.ts";
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { fieldError } from "../field-errors.ts";
import { errorResponse, HttpError, noJson } from "./http-error.ts";

const log = getLogger("http");

/** `root` is the composed app, asked which methods a path has. */
export const errorPlugin = (root: () => AnyElysia) =>
  new Elysia({ name: "errors" }).onError({ as: "global" }, ({ error, request, set }) => {
    const response = errorResponse(translate(error, request, root()));
    set.status = response.status;
    return response;
  });

function translate(error: unknown, request: Request, app: AnyElysia): unknown {
  if (error instanceof NotFoundError) return notFound(request, app);
  if (error instanceof WorkerError && error.kind === "unknown_capability") {
    // Any path of one word could be a capability's; one that is a route of other methods is not.
    const failure = notFound(request, app);
    return failure.status === 405 ? failure : error;
  }
  if (error instanceof ParseError) {
    const { cause } = error;
    const ours = cause instanceof WorkerError || cause instanceof HttpError;
    return ours ? cause : noJson(cause);
  }
  // A bad answer is our fault, and no caller's.
  if (error instanceof ValidationError && error.type !== "response" && "Errors" in error.validator)
    return fieldError(error.validator.Errors(error.value));
  if (!(error instanceof WorkerError) && !(error instanceof HttpError))
    log.error("request failed", {
      method: request.method,
      path: pathOf(request),
      error: reason(error),
    });
  return error;
}

function notFound(request: Request, app: AnyElysia): HttpError {
  const pathname = pathOf(request);
  const methods = app.routes
    .filter(({ method, path }) => method !== "OPTIONS" && matches(path, pathname))
    .map(({ method }) => method);
  const shown = pathname.slice(0, 200);
  if (methods.length === 0) return new HttpError(404, "not_found", `there is no route ${shown}`);
  const allow = [...new Set(methods)].sort().join(", ");
  const message = `${request.method} is not for ${shown}; it takes ${allow}`;
  return new HttpError(405, "method_not_allowed", message, { allow });
}

/** Also of a URL that does not parse: what tells of failures must not fail. */
const pathOf = ({ url }: Request): string => URL.parse(url)?.pathname ?? url;

function matches(route: string, pathname: string): boolean {
  const names = CAPABILITIES.flatMap(({ name, aliases }) => [name, ...aliases]);
  const want = route.split("/");
  const have = pathname.split("/");
  if (want.at(-1) !== "*" && want.length !== have.length) return false;
  return want.every((part, n) => {
    if (part === "*") return true;
    // Any word could be a capability's name; only those that are one make a route.
    if (part === ":capability") return names.includes(have[n] ?? "");
    return part.startsWith(":") ? have[n] !== "" : part === have[n];
  });
}
