/** Hides what the form's words are on the wire: bodies of a start and of a change. */
import type { Model, Stream } from "./api.ts";
import { type Draft, FIRST_PROMPT, sizeOf } from "./draft.ts";

/** Members of `POST /stream/start`; the channels are given, as they are made for the stream. */
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

/** Members of `POST /stream/{id}/params` for what differs between two drafts; sliders let go of are reset. */
export function changeBody(before: Draft, after: Draft): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  if (after.prompt !== before.prompt)
    body["prompts"] = [{ prompt: after.prompt.trim() || FIRST_PROMPT }];
  if (after.model !== before.model) body["model"] = after.model;
  if (after.size !== before.size) Object.assign(body, sizeOf(after));
  for (const name of new Set([...Object.keys(before.values), ...Object.keys(after.values)])) {
    const value = after.values[name] ?? null;
    // Another model knows nothing of the old one's sliders.
    if (value === null && after.model !== before.model) continue;
    if (value !== (before.values[name] ?? null)) body[name] = value;
  }
  return body;
}

/** What a form says that stands as the stream does: of its parameters, the model's own are sliders that were moved. */
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

/** The model to begin with: one that draws by itself, or one that changes what it sees. */
export function firstModel(models: readonly Model[], withVideo: boolean): string {
  const wanted = withVideo ? ["restyle", "edges"] : ["dreamscape", "test-card"];
  const fitting = models.filter((model) => model.takes_video === withVideo && usable(model));
  const found = wanted.map((name) => fitting.find((model) => model.name === name)).find(Boolean);
  return (found ?? fitting[0] ?? models[0])?.name ?? "";
}

export const usable = (model: Model): boolean => model.state !== "failed";
