/** Shows errors: problems of a graph at its nodes, a token that is missing, and all others in the box above the form. */
import { problemOf } from "./advice.ts";
import { ApiError } from "./api.ts";
import type { Draft } from "./draft.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { freshPageToken } from "./page-token.ts";
import * as state from "./state.ts";

/** Shows why a draft was refused: the problems of a graph at its nodes. */
export function refused(error: unknown, draft: Draft): void {
  const answer = isGraphModel(draft.model) && error instanceof ApiError ? error : null;
  const problems = answer?.details.filter(({ field }) => /^prompts?\b/.test(field)) ?? [];
  const isOfGraph = answer !== null && problems.length > 0;
  state.graphVerdict.value = isOfGraph ? { draft, problems, refusal: answer.message } : null;
  if (isOfGraph) state.problem.value = null;
  else failed(error);
}

/** Closes the alert; what is wrong with a graph stays at its nodes. */
export function dismissAlert(): void {
  const verdict = state.graphVerdict.value;
  if (state.problem.value !== null) state.problem.value = null;
  else if (verdict !== null) state.graphVerdict.value = { ...verdict, refusal: null };
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
