/** Plans graphs for a stream or a picture: rewrites them, judges them, and finds the models that they name. */
import { WorkerError } from "../../errors.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { CheckedNode } from "./check-node.ts";
import { executionOrder, type Step } from "./execution-order.ts";
import type { Graph } from "./graph.ts";
import { type GraphFiles, isPlainFile } from "./graph-files.ts";
import type { NodeClasses } from "./node-class.ts";
import { NODE_CLASSES } from "./node-classes.ts";
import { unsupported } from "./node-support.ts";
import { describeProblems } from "./problem.ts";
import { parseGraph } from "./read-graph.ts";
import { forPicture, forStream, withoutReroutes } from "./rewrite.ts";
import { validate } from "./validate.ts";

export interface PlannedGraph {
  readonly steps: readonly Step[];
  /** Model folders that its nodes name, each once. */
  readonly models: readonly string[];
}

const MAX_LISTED = 10;

/**
 * Plans one graph. Throws `invalid_request` with everything that is wrong with it.
 *
 * @param classes the known ones; by default all of ours
 */
export function planGraph(
  json: string,
  use: GraphUse,
  { files, classes = NODE_CLASSES }: { readonly files: GraphFiles; readonly classes?: NodeClasses },
): PlannedGraph {
  const graph = readable(json);
  const rewritten = use.kind === "stream" ? forStream(graph) : forPicture(graph, files);
  const validation = validate(withoutReroutes(rewritten), { classes, files });
  if (validation.refusal !== null) throw refused(describeProblems(validation.problems));
  const steps = executionOrder(validation);
  const strangers = unsupported(steps);
  if (strangers.length > 0) {
    const text = `these nodes are known, but do not run here: ${listed(strangers)}; GET /nodes lists those that do`;
    throw refused(text);
  }
  const readers = steps.map(({ node }) => node).filter(({ nodeClass }) => nodeClass.isLive);
  if (readers.length > 0 && !use.hasInput) {
    throw refused(`there is no video or picture for ${listed(readers)}: send one, or load a file`);
  }
  return { steps, models: [...new Set(steps.flatMap(({ node }) => modelsOf(node, files)))] };
}

/** As `parseGraph`; the error names the field. */
function readable(json: string): Graph {
  try {
    return parseGraph(json);
  } catch (error) {
    if (error instanceof WorkerError) throw refused(error.message);
    throw error;
  }
}

/** The folders that a node names, as the workspace spells them. */
function modelsOf({ nodeClass, values }: CheckedNode, files: GraphFiles): string[] {
  const declared = { ...nodeClass.inputs, ...nodeClass.optional };
  return [...values].flatMap(([name, value]) => {
    const declaration = declared[name];
    if (declaration === undefined || !("files" in declaration)) return [];
    if (isPlainFile(declaration.files) || typeof value !== "string") return [];
    return files.find(declaration.files, value) ?? [];
  });
}

function listed(nodes: readonly CheckedNode[]): string {
  const labels = nodes.slice(0, MAX_LISTED).map(({ label }) => label);
  const more = nodes.length - labels.length;
  return more > 0 ? `${labels.join(", ")} and ${more} more` : labels.join(", ");
}

const refused = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `prompts: ${problem}`, {
    details: [{ field: "prompts", problem }],
  });
