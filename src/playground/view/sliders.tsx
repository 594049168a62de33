/** The model's numeric parameters as sliders and fields. */
import { edit } from "../actions.ts";
import type { Model } from "../api.ts";
import { chosenModel, draft } from "../state.ts";

/** An integer with more values than this gets a field instead of a slider. */
const MAX_STEPS = 10_000;

/** Parameters shown; the others are folded away. */
const MAX_SHOWN = 4;

export function Sliders() {
  const params = (chosenModel.value?.params ?? []).filter((param) => param.type === "number");
  if (params.length === 0) return null;
  const rest = params.slice(MAX_SHOWN);
  return (
    <fieldset class="sliders">
      <legend>
        Adjust
        {Object.keys(draft.value.values).length > 0 && (
          <button type="button" class="quiet" onClick={() => edit({ values: {} })}>
            Reset
          </button>
        )}
      </legend>
      {params.slice(0, MAX_SHOWN).map(control)}
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          {rest.map(control)}
        </details>
      )}
    </fieldset>
  );
}

type Param = Extract<Model["params"][number], { type: "number" }>;

const control = (param: Param) =>
  param.integer && param.max - param.min > MAX_STEPS ? (
    <NumberField key={param.name} param={param} />
  ) : (
    <Slider key={param.name} param={param} />
  );

function Slider({ param }: { param: Param }) {
  const { name, min, max, integer, description } = param;
  const value = draft.value.values[name] ?? param.default;
  const id = `slider-${name}`;
  return (
    <div class="slider" title={description}>
      <label for={id}>{words(name)}</label>
      <output for={id}>{shownValue(value, integer, max - min)}</output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={integer ? 1 : stepFor(max - min)}
        value={value}
        style={{ "--at": `${((value - min) / (max - min || 1)) * 100}%` }}
        onInput={({ currentTarget }) =>
          edit({ values: { ...draft.value.values, [name]: currentTarget.valueAsNumber } })
        }
      />
    </div>
  );
}

/** An integer with a wide range, such as a seed: typed, or picked at random. */
function NumberField({ param }: { param: Param }) {
  const { name, min, max, description } = param;
  const id = `field-${name}`;
  const set = (value: number) => edit({ values: { ...draft.value.values, [name]: value } });
  return (
    <div class="field" title={description}>
      <label for={id}>{words(name)}</label>
      <input
        id={id}
        type="number"
        min={min}
        max={max}
        step={1}
        value={draft.value.values[name] ?? param.default}
        onChange={({ currentTarget }) => {
          if (currentTarget.validity.valid) set(currentTarget.valueAsNumber);
          else currentTarget.reportValidity();
        }}
      />
      <button
        type="button"
        class="quiet"
        onClick={() => set(min + Math.floor(Math.random() * (max - min + 1)))}
      >
        Shuffle
      </button>
    </div>
  );
}

const words = (name: string): string => {
  const spaced = name.replace(/[_-]+/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

/** A power of ten that divides the span into about 100 to 1,000 steps. */
const stepFor = (span: number): number => 10 ** Math.floor(Math.log10(Math.max(span, 1e-6) / 100));

const shownValue = (value: number, integer: boolean, span: number): string =>
  integer ? String(value) : value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(span || 1))));
