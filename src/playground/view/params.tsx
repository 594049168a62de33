/** The model's presets and the controls of its parameters. */
import { edit } from "../actions.ts";
import type { Model, Param } from "../api.ts";
import { type Draft, withPreset } from "../draft.ts";
import { matchesPreset } from "../param-values.ts";
import { chosenModel, draft } from "../state.ts";
import { Control } from "./controls/control.tsx";
import { isField } from "./controls/number.tsx";

/** Parameters shown; the others are folded away. */
const MAX_SHOWN = 4;

export function Params() {
  const model = chosenModel.value;
  if (model === null || model.params.length === 0) return null;
  const params = sortedBy(model.params, isLarge);
  // What is tuned comes before what is chosen once, such as a seed.
  const shown = sortedBy(params.slice(0, MAX_SHOWN), (param) => !isChosen(param));
  const rest = params.slice(MAX_SHOWN);
  const reset = withoutValues(draft.value, params);
  return (
    <fieldset class="params">
      <legend>
        Adjust
        {Object.keys(draft.value.values).length > Object.keys(reset.values).length && (
          <button type="button" class="quiet" onClick={() => edit(reset)}>
            Defaults
          </button>
        )}
      </legend>
      <Presets model={model} />
      {shown.map((param) => (
        <Control key={`${model.name}/${param.name}`} param={param} />
      ))}
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          {rest.map((param) => (
            <Control key={`${model.name}/${param.name}`} param={param} />
          ))}
        </details>
      )}
    </fieldset>
  );
}

/** What changes the picture most. */
const isLarge = ({ type }: Param): boolean => type === "vector" || type === "picture";

const isChosen = (param: Param): boolean => param.type === "number" && isField(param);

/** Those for which `isFirst` holds before the others, each in their order. */
const sortedBy = (params: readonly Param[], isFirst: (param: Param) => boolean): Param[] => [
  ...params.filter(isFirst),
  ...params.filter((param) => !isFirst(param)),
];

function Presets({ model }: { model: Model }) {
  const presets = Object.entries(model.presets);
  if (presets.length === 0) return null;
  return (
    <ul class="presets" aria-label="Presets">
      {presets.map(([name, values]) => (
        <li key={name}>
          <button
            type="button"
            aria-pressed={matchesPreset(model, values, draft.value.values)}
            onClick={() => edit(withPreset(draft.value, { name, values }))}
          >
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** All parameters back at their defaults, but triggers: a trigger acts whenever it changes. */
function withoutValues({ values }: Draft, params: readonly Param[]) {
  const triggers = params.filter(({ name, type }) => type === "trigger" && name in values);
  const kept = triggers.map(({ name }) => [name, values[name] ?? 0] as const);
  return { values: Object.fromEntries(kept), preset: null };
}
