/** Presets that the user saves by name: all settings of a model, or a graph. They stay in this browser. */
import { signal } from "@preact/signals";
import type { Model, Values } from "./api.ts";
import type { Draft } from "./draft.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { sameValue } from "./param-values.ts";
import type { Prompts } from "./prompts.ts";
import { sendable } from "./start-body.ts";

export interface SavedPreset {
  readonly name: string;
  readonly model: string;
  readonly settings: Settings;
}

/** The part of a form that a preset brings back. */
type Settings =
  | { readonly graph: string }
  /** Without prompts for a model that takes none. */
  | { readonly prompts?: Prompts; readonly values: Values };

const KEY = "presets";

/** All of them, in the order in which they were saved. */
export const savedPresets = signal<readonly SavedPreset[]>(stored());

/** Saves what the form holds, in place of an earlier preset of that name. Throws where the browser has no room. */
export function savePreset(name: string, draft: Draft, model: Model | null): void {
  const preset = { name, model: draft.model, settings: settingsOf(draft, model) };
  store([...stored().filter((one) => !isSame(one, preset)), preset]);
}

export const deletePreset = (preset: SavedPreset): void =>
  store(stored().filter((one) => !isSame(one, preset)));

/** What the form becomes. */
export const presetPatch = ({ settings }: SavedPreset): Partial<Draft> =>
  "graph" in settings ? settings : { ...settings, preset: null };

/** Whether the form holds what the preset would bring. */
export function isInUse({ settings }: SavedPreset, draft: Draft): boolean {
  if ("graph" in settings) return settings.graph === draft.graph;
  const names = new Set([...Object.keys(settings.values), ...Object.keys(draft.values)]);
  return (
    (settings.prompts === undefined ||
      JSON.stringify(settings.prompts) === JSON.stringify(draft.prompts)) &&
    [...names].every((name) => sameValue(settings.values[name], draft.values[name]))
  );
}

/** The presets in a stored text; what is not one of ours is left out. */
export function presetsIn(text: string | null): SavedPreset[] {
  const list = parsed(text ?? "[]");
  return Array.isArray(list) ? list.filter(isPreset) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // another page of this host wrote it
  }
}

function isPreset(value: unknown): value is SavedPreset {
  if (!isObject(value) || !isObject(value["settings"])) return false;
  const { graph, values, prompts } = value["settings"];
  const isName = typeof value["name"] === "string" && typeof value["model"] === "string";
  const hasPrompts = isObject(prompts) && Array.isArray(prompts["texts"]);
  const isOfModel = isObject(values) && (prompts === undefined || hasPrompts);
  return isName && (typeof graph === "string" || isOfModel);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function settingsOf({ model: name, graph, prompts, values }: Draft, model: Model | null): Settings {
  if (isGraphModel(name)) return { graph };
  return { ...(model?.takes_prompts !== false && { prompts }), values: sendable(values) };
}

const isSame = (one: SavedPreset, other: SavedPreset): boolean =>
  one.name === other.name && one.model === other.model;

function stored(): SavedPreset[] {
  return presetsIn(globalThis.localStorage?.getItem(KEY) ?? null);
}

function store(presets: readonly SavedPreset[]): void {
  localStorage.setItem(KEY, JSON.stringify(presets));
  savedPresets.value = presets;
}
