/** Translates everything that fails in Elysia into the one error body, and does not reveal to callers without access which routes there are. */
import { type AnyElysia, Elysia, NotFoundError, ValidationError } from "elysia";
import { CAPABILITIES } from "../../capabilities/registry.ts";
import { describeUnexpected, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { schemaError } from "../field-errors.ts";
import type { AccessPolicy } from "./access/access-policy.ts";
import type { Incoming } from "./access/caller.ts";
import { errorResponse, HttpError, isInternal } from "./http-error.ts";
import { isRunnerPath, noRunnerRoute, runnerErrorResponse } from "./runner-error.ts";

const log = getLogger("http");

/** `root` is the composed app, which knows the methods of a path. */
export const errorPlugin = (access: AccessPolicy, root: () => AnyElysia) =>
  new Elysia({ name: "errors" }).onError({ as: "global" }, ({ error, request, server, set }) => {
    const failure = translate(error, { request, server }, access, root());
    const isRunner = isRunnerPath(pathOf(request));
    const response = isRunner ? runnerErrorResponse(failure) : errorResponse(failure);
    set.status = response.status;
    return response;
  });

function translate(
  error: unknown,
  incoming: Incoming,
  access: AccessPolicy,
  app: AnyElysia,
): unknown {
  const { request } = incoming;
  // Whether a path has a wrong key or no route is not told apart.
  if (error instanceof NotFoundError && isRunnerPath(pathOf(request))) return noRunnerRoute();
  if (error instanceof NotFoundError) return refusalOf(access, incoming) ?? notFound(request, app);
  if (error instanceof WorkerError && error.kind === "unknown_capability") {
    // Every path of one segment matches the capabilities' route, those that have other methods as well.
    const failure = notFound(request, app);
    return failure.status === 405 ? failure : error;
  }
  // An answer that does not match its schema is our fault, not the caller's.
  if (error instanceof ValidationError && error.type !== "response" && "Errors" in error.validator)
    return schemaError(error.validator.Errors(error.value));
  if (isInternal(error)) {
    // Of the path only the route's pattern is logged: a stream's id in it is a credential.
    const route = matchingRoutes(app, pathOf(request))[0]?.path ?? "none";
    log.error("request failed", {
      method: request.method,
      route,
      error: describeUnexpected(error),
    });
  }
  return error;
}

/** Why the caller may not learn whether there is a route; null for those who may. */
function refusalOf(access: AccessPolicy, incoming: Incoming): unknown {
  try {
    access.admitToUnknownPath(incoming);
    return null;
  } catch (error) {
    return error;
  }
}

function notFound(request: Request, app: AnyElysia): HttpError {
  const pathname = pathOf(request);
  const methods = matchingRoutes(app, pathname).map(({ method }) => method);
  const shown = pathname.slice(0, 200);
  if (methods.length === 0) return new HttpError(404, "not_found", `there is no route ${shown}`);
  const allow = [...new Set(methods)].sort().join(", ");
  const message = `${request.method} is not allowed on ${shown}; allowed: ${allow}`;
  return new HttpError(405, "method_not_allowed", message, { allow });
}

/** Also for a URL that does not parse: reporting a failure must not fail. */
const pathOf = ({ url }: Request): string => URL.parse(url)?.pathname ?? url;

const matchingRoutes = (app: AnyElysia, pathname: string) =>
  app.routes.filter(({ method, path }) => method !== "OPTIONS" && matches(path, pathname));

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
