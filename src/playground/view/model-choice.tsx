/** The choice of model and size, and what there is to know of the chosen model. */

import type { Model } from "../api.ts";
import { SIZES } from "../draft.ts";
import { edit } from "../form-changes.ts";
import { chooseModel } from "../graph/graph-actions.ts";
import { isGraphModel } from "../graph/graph-model.ts";
import { isUsable, MODEL_GROUPS } from "../model-choice.ts";
import { aboutText } from "../model-facts.ts";
import { chosenModel, draft, models, video } from "../state.ts";
import { ModelFacts, ModelState } from "./model-state.tsx";

export function ModelChoice() {
  const { model, size } = draft.value;
  const sizes = SIZES.some((one) => one === size) ? SIZES : [size, ...SIZES];
  return (
    <>
      <div class="pair">
        <label>
          <span>Model</span>
          <select value={model} onChange={({ currentTarget }) => chooseModel(currentTarget.value)}>
            {MODEL_GROUPS.map(({ label, has }) => (
              <Group key={label} label={label} models={models.value.filter(has)} />
            ))}
          </select>
        </label>
        <label>
          <span>Size</span>
          <select
            value={size}
            onChange={({ currentTarget }) => edit({ size: currentTarget.value })}
          >
            {sizes.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      {chosenModel.value && <About model={chosenModel.value} />}
    </>
  );
}

function Group({ label, models: group }: { label: string; models: readonly Model[] }) {
  if (group.length === 0) return null;
  return (
    <optgroup label={label}>
      {group.map((one) => (
        <option key={one.name} value={one.name} disabled={!isUsable(one)}>
          {one.name}
          {one.state === "failed" ? " (failed)" : one.state === "warming" ? " (loading)" : ""}
        </option>
      ))}
    </optgroup>
  );
}

function About({ model }: { model: Model }) {
  return (
    <div class="about">
      <p class="hint">{aboutText(model, video.value)}</p>
      {!isGraphModel(model.name) && <ModelState model={model} />}
      <ModelFacts model={model} />
    </div>
  );
}
