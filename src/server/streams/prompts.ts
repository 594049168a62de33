/** Reads the prompts of a request: texts in all their forms, or ComfyUI graphs, and their total size. */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { Prompt, StreamParams } from "../../engine/protocol/work.ts";
import { reason } from "../../errors.ts";
import { shown } from "../../shown-value.ts";
import { parseJson } from "../exact-json.ts";
import { fieldsError } from "../field-errors.ts";
import { findGraphs } from "./comfyui-graph.ts";
import { MAX_PROMPT_BYTES, MAX_PROMPTS, type UpdateFields } from "./fields.ts";

/** What a stream draws by. */
export type Drawing = Pick<StreamParams, "prompts" | "graphs">;

/**
 * The fields with ComfyUI graphs as `{graph}`, which the schema knows, and with what was sent beside each. Throws
 * `invalid_request` where texts are among them.
 */
export function withGraphs(fields: unknown): unknown {
  if (typeof fields !== "object" || fields === null) return fields;
  let changed: object = fields;
  for (const field of ["prompts", "prompt"]) {
    const found = findGraphs(Reflect.get(fields, field));
    if (found === null) continue;
    if (found.isMixed) {
      throw fieldsError([{ field, problem: "mixes texts and graphs: send one or the other" }]);
    }
    if (found.graphs.length > MAX_PROMPTS) {
      const problem = `must be at most ${MAX_PROMPTS} graphs, got ${found.graphs.length}`;
      throw fieldsError([{ field, problem }]);
    }
    const faults = found.graphs.flatMap(({ graph }) => faultOf(graph) ?? []);
    if (faults.length > 0) throw fieldsError(faults.map((problem) => ({ field, problem })));
    changed = {
      ...changed,
      [field]: found.graphs.map(({ graph, beside }) => ({ ...beside, graph })),
    };
  }
  return changed;
}

/** What is wrong with the JSON of a graph; null where it is an object. */
function faultOf(graph: string): string | null {
  try {
    const value = parseJson(graph);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return null;
    return `must be a graph, an object of nodes by id; got ${shown(value)}`;
  } catch (error) {
    return `holds a graph that is not valid JSON: ${reason(error)}`;
  }
}

/** Throws `invalid_request` where there is no prompt for a model that takes prompts. */
export function assertPrompted({ prompts, graphs }: StreamParams, model: ModelInfo): void {
  if (prompts.length > 0 || graphs !== undefined || !model.takes_prompts) return;
  const problem = `is required by model ${model.name}: send a text, or choose a model that takes no prompts`;
  throw fieldsError([{ field: "prompts", problem }]);
}

type OnePrompt = Exclude<NonNullable<UpdateFields["prompts"]>, readonly unknown[]>;

/** A text prompt may have a member `graph` that is not text, which is ignored like any unknown member. */
const isGraph = (one: OnePrompt): one is Extract<OnePrompt, { readonly graph: string }> =>
  typeof one === "object" && "graph" in one && typeof one.graph === "string";

/** Prompts as objects with their own members and no others. */
function drawingOf(prompts: NonNullable<UpdateFields["prompts"]>): Drawing {
  const all = [prompts].flat();
  const graphs = all.flatMap((one) => (isGraph(one) ? one.graph : []));
  if (graphs.length > 0) return { prompts: [], graphs };
  const texts = all.flatMap((one): Prompt[] => {
    if (typeof one === "string") return [{ prompt: one }];
    if (isGraph(one)) return [];
    const { prompt, negative_prompt, weight } = one;
    return [
      {
        prompt,
        ...(negative_prompt === undefined ? {} : { negative_prompt }),
        ...(weight === undefined ? {} : { weight }),
      },
    ];
  });
  return { prompts: texts };
}

/** Names of the members of prompts that mean nothing here: `prompts.0.weigth`. A graph takes no member beside it. */
export function unusedMembers(given: UpdateFields): string[] {
  const field = drawingField(given);
  const all = [given[field] ?? []].flat();
  return all.flatMap((one, place) => {
    if (typeof one === "string") return [];
    const known = isGraph(one) ? ["graph"] : ["prompt", "negative_prompt", "weight"];
    const at = all.length === 1 ? field : `${field}.${place}`;
    return Object.keys(one).flatMap((name) => (known.includes(name) ? [] : `${at}.${name}`));
  });
}

const drawingField = (given: UpdateFields): "prompts" | "prompt" =>
  given.prompts === undefined ? "prompt" : "prompts";

/** What is given to draw by; null where it is reset, undefined where it is absent. Throws `invalid_request`. */
export function givenDrawing(given: UpdateFields): Drawing | null | undefined {
  const field = drawingField(given);
  const value = given[field];
  if (value == null) return value;
  const drawing = drawingOf(value);
  const texts = drawing.prompts.flatMap(({ prompt, negative_prompt = "" }) => [
    prompt,
    negative_prompt,
  ]);
  const bytes = [...texts, ...(drawing.graphs ?? [])].reduce(
    (sum, text) => sum + Buffer.byteLength(text),
    0,
  );
  if (bytes <= MAX_PROMPT_BYTES) return drawing;
  const problem = `must be at most ${MAX_PROMPT_BYTES} bytes of UTF-8 in all, got ${bytes}`;
  throw fieldsError([{ field, problem }]);
}
