/** Tells whether a model is loaded, and estimates how long a session that starts now waits for it. */
import type { ModelInfo } from "../../../../engine/protocol/models.ts";
import type { ModelLoad, ModelLoads } from "../../../engines/model-loads.ts";
import type { Compute } from "./runner-errors.ts";

/** Of the engine scheduler. */
export interface Engines {
  readonly state: "loading" | "ready" | "broken";
  readonly models: { readonly loads: Pick<ModelLoads, "of"> };
}

export interface Startup {
  readonly compute: Compute;
  /** Milliseconds until the model draws; null where nothing is known. */
  readonly estimatedMs: number | null;
  /** Milliseconds of the model's last load; null where it has not been loaded. */
  readonly lastLoadMs: number | null;
  /** Milliseconds since the model came into its state; null where its state has never changed. */
  readonly stateAgeMs: number | null;
}

const COMPUTE = {
  ready: "warm",
  cold: "cold",
  warming: "loading",
  failed: "unavailable",
} as const satisfies Record<ModelInfo["state"], Compute>;

/**
 * @param model null while no engine has listed its models
 * @param now `performance.now()`
 */
export function startupOf(
  model: ModelInfo | null,
  engines: Engines,
  now = performance.now(),
): Startup {
  const { since, lastMs } = model === null ? NO_LOAD : engines.models.loads.of(model.name);
  const stateAgeMs = since === null ? null : now - since;
  const compute = computeOf(model, engines);
  // The server remembers loads beyond the engine that did them; an engine may know the size of the files.
  const loadMs = lastMs ?? model?.load_estimate_ms ?? null;
  return {
    compute,
    lastLoadMs: lastMs,
    stateAgeMs,
    estimatedMs: estimateOf(compute, loadMs, stateAgeMs ?? 0),
  };
}

const NO_LOAD: ModelLoad = { since: null, lastMs: null };

function computeOf(model: ModelInfo | null, { state }: Engines): Compute {
  if (state === "broken") return "unavailable";
  return model === null ? "loading" : COMPUTE[model.state];
}

function estimateOf(compute: Compute, loadMs: number | null, loadingMs: number): number | null {
  switch (compute) {
    case "warm":
      return 0;
    case "cold":
      return loadMs;
    case "loading":
      return loadMs === null ? null : Math.max(0, loadMs - loadingMs);
    case "unavailable":
      return null;
    default:
      return compute satisfies never;
  }
}

/** Milliseconds as seconds with three digits; null stays null. */
export const seconds = (ms: number | null): number | null =>
  ms === null ? null : Math.round(ms) / 1000;
