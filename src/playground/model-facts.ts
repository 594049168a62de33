/** Describes models in words: their state and where they come from. */
import type { Model } from "./api.ts";
import type { VideoSource } from "./model-choice.ts";

/** Progress of a load is shown up to here: an estimate may be too short. */
const MOST = 0.97;

/** The state in a few words; `loadingMs` is how long it has been warming. */
export function stateText(model: Model, loadingMs: number): string {
  const { state, load_estimate_ms: estimate } = model;
  switch (state) {
    case "cold":
      return estimate === undefined ? "Not loaded" : `Loads in about ${duration(estimate)}`;
    case "warming": {
      const left = (estimate ?? 0) - loadingMs;
      return left > 0 ? `Loading, about ${duration(left)} left` : "Loading …";
    }
    case "ready":
      return model.error === undefined
        ? `Ready${runsOn(model)}`
        : "Ready, but its changed files are not used";
    case "failed":
      return "Failed";
  }
}

/** How much of a load is done, 0 to 1; null where nothing is known of its length. */
export const progressOf = ({ load_estimate_ms: estimate }: Model, loadingMs: number) =>
  estimate === undefined || estimate <= 0 ? null : Math.min(MOST, loadingMs / estimate);

/** Its description, and what becomes of it without video. */
export function aboutText({ description, needs_video: needsVideo }: Model, source: VideoSource) {
  const text = description.trim();
  const sentence = text === "" || /[.!?]$/.test(text) ? text : `${text}.`;
  const isOnItsOwn = needsVideo && source === "none";
  return isOnItsOwn ? `${sentence} Its input is a moving test picture.`.trim() : sentence;
}

/** What the model takes, where it comes from, and its licence. */
export function factsOf(model: Model): string[] {
  const { license, source } = model;
  return [
    model.needs_video ? "needs video" : model.takes_video ? "takes video" : "draws without video",
    model.takes_prompts ? "takes prompts" : "ignores prompts",
    sourceOf(model),
    ...(license !== ""
      ? [`licence ${license}`]
      : source === "built-in"
        ? []
        : ["licence not stated"]),
  ];
}

function sourceOf({ name, source }: Model): string {
  if (source === "built-in") return "built in";
  return source === `models/${name}` ? "from the workspace" : `from ${source}`;
}

/** The device, and the execution provider where its name says more. */
function runsOn({ device, execution_provider: provider }: Model): string {
  if (device === "") return "";
  return provider === undefined || provider === device
    ? ` on ${device}`
    : ` on ${device} (${provider})`;
}

const duration = (ms: number): string =>
  ms < 90_000 ? `${Math.max(1, Math.round(ms / 1000))} s` : `${Math.round(ms / 60_000)} min`;
