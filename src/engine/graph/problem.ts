/** Describes a problem of a graph: the node and the input, its kind, and a sentence that says how to solve it. */

/** ComfyUI's names; of its two exceptions, the first is meant where the faulty node is itself an output. */
export type InputProblemType =
  | "required_input_missing"
  | "bad_linked_input"
  | "return_type_mismatch"
  | "invalid_input_type"
  | "value_smaller_than_min"
  | "value_bigger_than_max"
  | "value_not_in_list"
  | "custom_validation_failed"
  | "exception_during_validation"
  | "exception_during_inner_validation";

/** An input of a node is wrong. */
export interface InputProblem {
  readonly type: InputProblemType;
  readonly node: string;
  readonly input: string;
  /** Names node id, title, class, input and value. */
  readonly message: string;
  /** The message without the node. */
  readonly problem: string;
}

/** The graph is wrong as a whole, or all nodes of a class or a circle are. */
export interface GraphProblem {
  readonly type: "missing_class" | "unknown_class" | "dependency_cycle" | "no_outputs";
  /** Those at fault; of a cycle, in the order in which each needs the next. */
  readonly nodes: readonly string[];
  readonly message: string;
  /** What is wrong with each of the nodes: the predicate of a sentence. Without nodes, the message. */
  readonly problem: string;
}

export type Problem = InputProblem | GraphProblem;

const MAX_MESSAGES = 10;

/** All problems in one text; beyond some, how many more there are. */
export function describeProblems(problems: readonly Pick<Problem, "message">[]): string {
  const messages = problems.slice(0, MAX_MESSAGES).map(({ message }) => message);
  const more = problems.length - messages.length;
  return more > 0 ? `${messages.join("; ")}; and ${more} more` : messages.join("; ");
}
