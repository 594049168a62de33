/** The model's presets and the controls of its parameters. */

import type { Model, Param } from "../api.ts";
import { type Draft, withPreset } from "../draft.ts";
import { edit } from "../form-changes.ts";
import { isGraphModel } from "../graph/graph-model.ts";
import { matchesPreset } from "../param-values.ts";
import { chosenModel, draft } from "../state.ts";
import { Control } from "./controls/control.tsx";
import { isField } from "./controls/number.tsx";
import { type GivenPreset, Presets, SavePreset } from "./presets.tsx";

/** Parameters shown; the others are folded away. */
const MAX_SHOWN = 4;

export function Params() {
  const model = chosenModel.value;
  if (model === null || isGraphModel(model.name)) return null;
  if (model.params.length === 0 && !model.takes_prompts) return null;
  const params = sortedBy(model.params, isLarge);
  // What is tuned comes before what is chosen once, such as a seed.
  const shown = sortedBy(params.slice(0, MAX_SHOWN), (param) => !isChosen(param));
  const rest = params.slice(MAX_SHOWN);
  const reset = withoutValues(draft.value, params);
  return (
    <fieldset class="params">
      <legend>
        Adjust
        <SavePreset />
        {Object.keys(draft.value.values).length > Object.keys(reset.values).length && (
          <button type="button" class="quiet" onClick={() => edit(reset)}>
            Defaults
          </button>
        )}
      </legend>
      <Presets given={presetsOf(model)} />
      {shown.map((param) => (
        <Control key={`${model.name}/${param.name}`} param={param} />
      ))}
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          <div class="fields">
            {rest.map((param) => (
              <Control key={`${model.name}/${param.name}`} param={param} />
            ))}
          </div>
        </details>
      )}
    </fieldset>
  );
}

/** A vector with no more entries chooses how a model works rather than what it shows. */
const FEW_ENTRIES = 4;

/** What changes the picture most: a picture, a blend, or a long vector. */
const isLarge = (param: Param): boolean =>
  param.type === "picture" ||
  (param.type === "vector" && (param.blend || param.default.length > FEW_ENTRIES));

const isChosen = (param: Param): boolean => param.type === "number" && isField(param);

/** Those for which `isFirst` holds before the others, each in their order. */
const sortedBy = (params: readonly Param[], isFirst: (param: Param) => boolean): Param[] => [
  ...params.filter(isFirst),
  ...params.filter((param) => !isFirst(param)),
];

const presetsOf = (model: Model): GivenPreset[] =>
  Object.entries(model.presets).map(([name, values]) => ({
    name,
    isInUse: matchesPreset(model, values, draft.value.values),
    choose: () => edit(withPreset(draft.value, { name, values })),
  }));

/** All parameters back at their defaults, but triggers: a trigger acts whenever it changes. */
function withoutValues({ values }: Draft, params: readonly Param[]) {
  const triggers = params.filter(({ name, type }) => type === "trigger" && name in values);
  const kept = triggers.map(({ name }) => [name, values[name] ?? 0] as const);
  return { values: Object.fromEntries(kept), preset: null };
}
