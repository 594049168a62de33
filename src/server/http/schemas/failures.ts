/** What routes answer when they fail. */
import { Type } from "@sinclair/typebox";
import { FieldProblem } from "../../../field-problem.ts";
import { contents } from "./openapi.ts";

/** Every error answer. */
export const ErrorAnswer = Type.Object({
  success: Type.Literal(false),
  status: Type.Literal("error"),
  code: Type.String(),
  error: Type.String(),
  message: Type.String(),
  details: Type.Optional(Type.Array(FieldProblem)),
});

/** The meaning of each failure, whichever route it comes from. */
const MEANINGS = {
  400: "the request is invalid; `details` names the fields",
  401: "the bearer token is not one of this server's",
  403: "this caller may not use the route: a token is missing or opens other routes, or the page's origin is not allowed",
  404: "no such stream, capability or route",
  413: "the body is too large",
  503: "all places are taken, no engine can run, or ComfyUI cannot be reached; try later",
  504: "the job, or the arrival of its body, took too long",
};

type FailureStatus = keyof typeof MEANINGS;

/** The 400 of a route that any caller may use, and which therefore has no 401 and no 403. */
export const BadQuery = Type.Object(ErrorAnswer.properties, { description: MEANINGS[400] });

/** A route's error answers: 401 and 403, which any route may give, and `statuses`. */
export const failures = <S extends FailureStatus>(...statuses: readonly S[]) =>
  Object.fromEntries(
    ([401, 403, ...statuses] as const).map((status) => [
      status,
      Type.Object(ErrorAnswer.properties, { description: MEANINGS[status] }),
    ]),
  ) as Record<S | 401 | 403, typeof ErrorAnswer>; // fromEntries forgets the keys

/** `failures` in that form. */
export const failureContents = (...statuses: FailureStatus[]) => contents(failures(...statuses));
