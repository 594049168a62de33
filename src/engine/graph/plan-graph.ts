/** Plans graphs for a stream or a picture: rewrites them, judges them, and finds the models that they name. */
import { WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { CheckedNode } from "./check-node.ts";
import { executionOrder, type Step } from "./execution-order.ts";
import type { Graph } from "./graph.ts";
import type { GraphFiles } from "./graph-files.ts";
import { isPlainFile } from "./input-declaration.ts";
import type { NodeClass, NodeClasses } from "./node-class.ts";
import { NODE_CLASSES } from "./node-classes.ts";
import { isOfAudio, unsupported } from "./node-support.ts";
import { parseGraph } from "./read-graph.ts";
import { combined, LacksNodes, notRunnable, refused, unreadable, withoutVideo } from "./refusal.ts";
import { forPicture, forStream, withoutPageNodes } from "./rewrite.ts";
import { validate } from "./validate.ts";

export interface PlannedGraph {
  readonly steps: readonly Step[];
  /** Model folders that its nodes name, each once. */
  readonly models: readonly string[];
  /** What is wrong with the parts that do not run: a graph runs as long as one of its outputs can. */
  readonly warnings: readonly FieldProblem[];
}

interface PlanContext {
  readonly files: GraphFiles;
  readonly classes?: NodeClasses;
  readonly field?: string;
}

/**
 * Plans graphs that run one after the other, each on the picture of the one before. Throws as `planGraph`, with the
 * problems of all of them, and for graphs that give nothing to answer with or to show.
 */
export function planGraphs(
  graphs: readonly string[],
  use: GraphUse,
  files: GraphFiles,
): PlannedGraph[] {
  const plans: PlannedGraph[] = [];
  const refusals: WorkerError[] = [];
  for (const [place, json] of graphs.entries()) {
    const field = graphs.length === 1 ? "prompts" : `prompts.${place}`;
    // A graph that is refused might have given a picture.
    const hasInput = use.hasInput || refusals.length > 0 || gives(plans).has("pictures");
    try {
      plans.push(planGraph(json, { ...use, hasInput }, { files, field }));
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length > 0) throw combined(refusals);
  if (plans.length === 0) return []; // a warm-up
  const given = gives(plans);
  const way = "add SaveImage or PreviewImage";
  if (given.size === 0) throw useless(`give no picture and no text: ${way}`);
  if (use.kind === "stream" && !use.hasInput && !given.has("pictures")) {
    throw useless(`give no picture, and there is no video to show: ${way}, or send a video`);
  }
  return plans;
}

const gives = (plans: readonly PlannedGraph[]): ReadonlySet<NodeClass["gives"]> =>
  new Set(plans.flatMap(({ steps }) => steps.flatMap(({ node }) => node.nodeClass.gives ?? [])));

function useless(problem: string): WorkerError {
  return new WorkerError("invalid_request", `prompts ${problem}`, {
    details: [{ field: "prompts", problem }],
  });
}

/**
 * Plans one graph. Throws `invalid_request` with everything that is wrong with it, by node.
 *
 * @param classes the known ones; by default all of ours
 * @param field the graph's place in the request, for errors
 */
export function planGraph(
  json: string,
  use: GraphUse,
  { files, classes = NODE_CLASSES, field = "prompts" }: PlanContext,
): PlannedGraph {
  const graph = readable(json, field);
  const rewritten =
    use.kind === "stream"
      ? forStream(graph, use.hasInput ? undefined : files)
      : forPicture(graph, files);
  const validation = validate(withoutPageNodes(rewritten), { classes, files });
  const { refusal, problems, unknownClasses } = validation;
  const steps = executionOrder(validation);
  // All problems of a graph that is refused come at once, also those of nodes behind others.
  const needed = refusal === null ? steps.map(({ node }) => node) : [...validation.nodes.values()];
  // What is left of the rewritten classes leads nowhere or in a circle: `problems` says so, and no ComfyUI can help.
  const strangers = unsupported(needed).filter(({ nodeClass }) => !nodeClass.isRewritten);
  const readers = needed
    .filter(({ nodeClass }) => nodeClass.isLive)
    .flatMap(({ id }) => graph.get(id) ?? []);
  const notHere = strangers.length > 0 ? [notRunnable(strangers)] : [];
  const unusable = [
    ...needed.flatMap(({ missingLinks }) => missingLinks),
    ...notHere,
    ...(use.hasInput ? [] : withoutVideo(readers, use.kind)),
  ];
  const refusedBy = refused([...problems, ...unusable], { graph, field });
  const lacking = [...unknownClasses, ...strangers.map(({ className }) => className)];
  if (lacking.length > 0 && !lacking.some(isOfAudio)) {
    const unknown = problems.filter(({ type }) => type === "unknown_class");
    const lack = refused([...unknown, ...notHere], { graph, field });
    throw new LacksNodes(refusedBy, { classes: lacking, lack });
  }
  if (refusal !== null || unusable.length > 0) throw refusedBy;
  return {
    steps,
    models: [...new Set(steps.flatMap(({ node }) => modelsOf(node, files)))],
    warnings: refusedBy.details,
  };
}

/** As `parseGraph`; the error names the field. */
function readable(json: string, field: string): Graph {
  try {
    return parseGraph(json);
  } catch (error) {
    throw error instanceof WorkerError ? unreadable(error, field) : error;
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
