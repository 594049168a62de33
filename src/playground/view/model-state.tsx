/** A model's facts, and its state with the progress of its load and the reason of a failure. */
import type { Model } from "../api.ts";
import { factsOf, progressOf, stateText } from "../model-facts.ts";
import { warmingSince } from "../state.ts";

export function ModelState({ model }: { model: Model }) {
  const since = warmingSince.value.get(model.name);
  const loadingMs = since === undefined ? 0 : performance.now() - since;
  const progress = progressOf(model, loadingMs);
  return (
    <div class={`model-state ${model.state}`}>
      <p>
        <i aria-hidden="true" />
        {stateText(model, loadingMs)}
      </p>
      {model.state === "warming" && (
        <progress
          aria-label={`Loading ${model.name}`}
          {...(progress === null ? {} : { value: progress })}
        />
      )}
      {model.error !== undefined && <p class="why">{model.error}</p>}
    </div>
  );
}

/** In one or more lines that break between two facts. */
export function ModelFacts({ model }: { model: Model }) {
  const facts = factsOf(model);
  return (
    <span class="facts">
      {facts.map((fact, place) => (
        <span key={fact}>
          {fact}
          {place < facts.length - 1 && " · "}
        </span>
      ))}
    </span>
  );
}
