/** Decides how long the server's answer to a graph stays on the page: until another graph takes its place. */
import type { FieldProblem } from "../../field-problem.ts";
import { graphProblem, type Problem } from "../advice.ts";
import type { Draft } from "../draft.ts";
import { isGraphModel } from "./graph-model.ts";

/** What is wrong with a graph, according to the server or to the page itself. */
export interface GraphVerdict {
  /** The form that was judged. */
  readonly draft: Draft;
  /** By node. In a graph that was accepted: the parts that do not run. */
  readonly problems: readonly FieldProblem[];
  /** Why it was refused; null if it was accepted. */
  readonly refusal: string | null;
}

/** The form now. */
export interface GraphForm {
  readonly draft: Draft;
  /** Whether the text can be sent. */
  readonly isReadable: boolean;
  /** The graph that the stream on screen runs with; null if the form changes no stream. */
  readonly applied: string | null;
}

/**
 * The verdict, if it is about the graph in the form. While a stream runs, it also stays until a newer text has been
 * judged: otherwise the page would jump with every key.
 */
export function standingVerdict(
  verdict: GraphVerdict | null,
  { draft, isReadable, applied }: GraphForm,
): GraphVerdict | null {
  if (verdict === null || !isGraphModel(draft.model)) return null;
  const { graph, source } = verdict.draft;
  if (draft.graph === graph && draft.source === source) return verdict;
  const isBeingJudged = applied !== null && isReadable && draft.graph !== applied;
  return isBeingJudged ? verdict : null;
}

/** The alert for a refused graph; null if it was accepted. */
export function alertFor(verdict: GraphVerdict | null, isRunning: boolean): Problem | null {
  if (verdict === null || verdict.refusal === null) return null;
  const { problems, refusal } = verdict;
  if (problems.length > 0)
    return graphProblem(problems.length, refusal, isRunning ? "running" : "starting");
  return { code: "invalid_graph", what: "The graph cannot be read.", advice: refusal };
}
