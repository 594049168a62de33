/** Checks what every answer of the server promises, whatever was asked. */
import type { Answer } from "./exchange.ts";

/** Codes of refusals for want of room, of a server that is well (contract.md). */
export const NO_ROOM = ["at_capacity", "runner_unavailable", "startup_exceeds_limit"];
/** What only the log may show. */
const INTERNALS =
  /\bat .+:\d+:\d+|node_modules|\/src\/|\/tests\/|undefined is not|is not a function/;
/** Refused values are shown cut; ten fields may be wrong. */
const MAX_MESSAGE = 10_000;

/**
 * An answer of Bun itself to what is not HTTP: a status and nothing else. No route has seen the request. 505 is its answer
 * to a request line that it cannot read.
 */
export const isBare = ({ status, headers, body }: Answer): boolean =>
  (status === 505 || (status >= 400 && status < 500)) &&
  body === "" &&
  headers.get("content-type") === null;

/** Throws unless the answer of a JSON route is what contract.md says. `allowed`: codes with a status of 500 or more. */
export function expectJsonAnswer(
  { status, headers, body }: Answer,
  allowed: readonly string[] = [],
): void {
  if (status === 204 && body === "") return; // of a preflight
  const type = headers.get("content-type") ?? "";
  if (status < 400) {
    if (status >= 300) throw new Error(`a redirect: ${status}`);
    return;
  }
  if (!type.startsWith("application/json"))
    throw new Error(`${status} with content type "${type}"`);
  expectFailure(status, JSON.parse(body), allowed);
}

function expectFailure(status: number, failure: unknown, allowed: readonly string[]): void {
  const { success, status: word, code, error, message, details = [] } = Object(failure);
  const isForm = success === false && word === "error" && typeof code === "string";
  if (!isForm || typeof message !== "string" || message === "")
    throw new Error(`${status} without the error body: ${JSON.stringify(failure)}`);
  if (typeof error === "object" ? error?.message !== message : error !== message)
    throw new Error(`two messages: ${JSON.stringify(failure)}`);
  if (status >= 500 && !allowed.includes(code)) throw new Error(`${status} ${code}: ${message}`);
  if (message.length > MAX_MESSAGE) throw new Error(`a message of ${message.length} characters`);
  if (INTERNALS.test(message)) throw new Error(`the message shows internals: ${message}`);
  for (const { field, problem } of details)
    if (typeof field !== "string" || field === "" || typeof problem !== "string" || problem === "")
      throw new Error(`a detail without field or problem: ${JSON.stringify(details)}`);
}

/** Throws unless the answer of a trickle route is a bare status of go-livepeer's or of our limits, or refuses the caller. */
export function expectTrickleAnswer(answer: Answer): void {
  const { status } = answer;
  if (status === 401 || status === 403) expectJsonAnswer(answer);
  else if (![200, 204, 400, 404, 405, 413, 429, 470, 507].includes(status))
    throw new Error(`trickle: ${status}`);
}
