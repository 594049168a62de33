/** Converts between the form and the API: request bodies for a start and a change, and the form of a running stream. */
import type { Model, Stream, Values } from "./api.ts";
import { type Draft, markerOf, sizeOf } from "./draft.ts";
import { FIRST_PROMPT } from "./first-prompt.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { apiGraphs, graphTextOf } from "./graph/graph-text.ts";
import { isShortened, requestValues, sameValue, valuesIn } from "./param-values.ts";
import { apiPrompts, areEmpty, promptsIn, promptsOf } from "./prompts.ts";

/** The body of `POST /stream/start`. `model` is the draft's, null where nothing is known of it. */
export function startBody(
  draft: Draft,
  model: Model | null,
  streamUrl: string,
  inputUrl: string | null,
) {
  return {
    ...(model?.takes_prompts === false ? {} : drawnBy(draft)),
    ...(draft.model === "" ? {} : { model: draft.model }),
    ...sizeOf(draft),
    ...(draft.preset === null ? {} : { preset: draft.preset.name }),
    ...requestValues(beyond(draft.values, draft.preset?.values ?? {}), model?.params ?? []),
    ...(inputUrl === null ? {} : { input_url: inputUrl }),
    stream_url: streamUrl,
  };
}

/**
 * The body of `POST /stream/{id}/params` for what differs between two drafts; null resets a parameter. `model` is the
 * later draft's.
 */
export function changeBody(
  before: Draft,
  after: Draft,
  model: Model | null,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const isOther = after.model !== before.model;
  const drawing = drawnBy(after);
  // The stream stays with its model until there is a graph.
  if (isOther && drawing === null) return body;
  const isRedrawn = JSON.stringify(drawnBy(before)) !== JSON.stringify(drawing);
  // A model that takes no prompts was given none.
  const takes = isGraphModel(after.model) || model?.takes_prompts === true;
  if (isOther ? takes : isRedrawn) Object.assign(body, drawing);
  if (isOther) body["model"] = after.model;
  if (after.size !== before.size) Object.assign(body, sizeOf(after));
  if (after.measured !== before.measured) body["marker"] = after.measured ? markerOf(after) : null;
  const chosen = after.preset === before.preset ? null : after.preset;
  if (chosen !== null) body["preset"] = chosen.name;
  // A new model does not have the old one's parameters.
  if (!isOther)
    for (const name of Object.keys(before.values))
      if (after.values[name] === undefined) body[name] = null;
  const set = chosen === null ? after.values : beyond(after.values, chosen.values);
  return Object.assign(body, requestValues(beyond(set, before.values), model?.params ?? []));
}

/** What the model draws by; null for a graph that cannot be sent. */
function drawnBy({ model, prompts, graph }: Draft) {
  const drawing = isGraphModel(model)
    ? apiGraphs(graph)
    : apiPrompts(areEmpty(prompts) ? promptsOf(FIRST_PROMPT) : prompts);
  return drawing && { prompts: drawing };
}

/** The values that differ from others. */
const beyond = (values: Values, others: Values): Values =>
  Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !sameValue(value, others[name])),
  );

/** The values that a start can send: without pictures of which the page knows the shortened text only. */
export const sendable = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => !isShortened(value)));

/** The form of a running stream; parameters of the model's own are shown as set by the user. */
export function formOf(
  { metadata, params }: Pick<Stream, "metadata" | "params">,
  models: readonly Model[],
) {
  const model = models.find(({ name }) => name === params.model);
  const graph = graphTextOf(metadata);
  return {
    // The form keeps what this model does not draw by for the next one.
    ...(graph !== undefined
      ? { graph }
      : model?.takes_prompts === false
        ? {}
        : { prompts: promptsIn(metadata) }),
    model: params.model,
    values: valuesIn(params, model?.params ?? []),
    preset: null,
    measured: (params.marker ?? "none") !== "none",
    ...(metadata.width === null ? {} : { size: `${metadata.width} × ${metadata.height}` }),
  };
}
