/** Converts between the form and the API: request bodies for a start and a change, and the form of a running stream. */
import type { Model, Stream } from "./api.ts";
import { type Draft, FIRST_PROMPT, sizeOf } from "./draft.ts";

/** The body of `POST /stream/start`. */
export function startBody(draft: Draft, streamUrl: string, inputUrl: string | null) {
  return {
    prompts: [{ prompt: draft.prompt.trim() || FIRST_PROMPT }],
    ...(draft.model === "" ? {} : { model: draft.model }),
    ...sizeOf(draft),
    ...draft.values,
    ...(inputUrl === null ? {} : { input_url: inputUrl }),
    stream_url: streamUrl,
  };
}

/** The body of `POST /stream/{id}/params` for what differs between two drafts; null resets a parameter. */
export function changeBody(before: Draft, after: Draft): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  if (after.prompt !== before.prompt)
    body["prompts"] = [{ prompt: after.prompt.trim() || FIRST_PROMPT }];
  if (after.model !== before.model) body["model"] = after.model;
  if (after.size !== before.size) Object.assign(body, sizeOf(after));
  for (const name of new Set([...Object.keys(before.values), ...Object.keys(after.values)])) {
    const value = after.values[name] ?? null;
    // A new model does not have the old one's parameters.
    if (value === null && after.model !== before.model) continue;
    if (value !== (before.values[name] ?? null)) body[name] = value;
  }
  return body;
}

/** The form of a running stream; parameters of the model's own are shown as set by the user. */
export function formOf({ metadata, params }: Stream, models: readonly Model[]): Partial<Draft> {
  const own = models.find(({ name }) => name === params.model)?.params ?? [];
  const values = own.map(({ name }) => [name, Reflect.get(params, name)] as const);
  return {
    prompt: metadata.prompts?.[0]?.prompt ?? "",
    model: params.model,
    values: Object.fromEntries(values.filter((pair) => typeof pair[1] === "number")),
    ...(metadata.width === null ? {} : { size: `${metadata.width} × ${metadata.height}` }),
  };
}

/** The default model for a source: one that transforms video, or one that generates it. */
export function firstModel(models: readonly Model[], withVideo: boolean): string {
  const wanted = withVideo ? ["restyle", "edges"] : ["dreamscape", "test-card"];
  const fitting = models.filter((model) => model.takes_video === withVideo && usable(model));
  const found = wanted.map((name) => fitting.find((model) => model.name === name)).find(Boolean);
  return (found ?? fitting[0] ?? models[0])?.name ?? "";
}

export const usable = (model: Model): boolean => model.state !== "failed";
