/** Shows errors: problems of a graph at its nodes, a token that is missing, and all others in the box above the form. */
import { graphProblem, problemOf } from "./advice.ts";
import { ApiError } from "./api.ts";
import type { Draft } from "./draft.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { freshPageToken } from "./page-token.ts";
import * as state from "./state.ts";

/** Shows why a draft was refused: the problems of a graph at its nodes. */
export function refused(error: unknown, { model }: Draft): void {
  const answer = isGraphModel(model) && error instanceof ApiError ? error : null;
  const problems = answer?.details.filter(({ field }) => /^prompts?\b/.test(field)) ?? [];
  state.graphProblems.value = problems;
  const when = state.onScreen.value.kind === "stream" ? "running" : "starting";
  if (answer === null || problems.length === 0) failed(error);
  else state.problem.value = graphProblem(problems.length, answer.message, when);
}

/** Shows an error, or asks for the token if the server requires one. */
export function failed(error: unknown): void {
  if (error instanceof ApiError && error.wantsToken) void tokenRefused();
  else state.problem.value = problemOf(error);
}

async function tokenRefused(): Promise<void> {
  if (await renewPageToken()) state.problem.value = RESTARTED;
  else state.tokenWanted.value = true;
}

const RESTARTED = { code: "restarted", what: "The server was restarted.", advice: "Try again." };

/** Gets the new token of a restarted server, if it gives this page one; true if it is another than before. */
export async function renewPageToken(): Promise<boolean> {
  const before = state.pageToken.value;
  if (before === "") return false;
  state.pageToken.value = await freshPageToken();
  return state.typedToken.value === "" && state.pageToken.value !== before;
}
