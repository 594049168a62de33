/** A number: a slider, or a field for integers with a wide range, such as a seed. */
import { shownNumber, stepFor } from "../../numbers.ts";
import type { ControlProps, ParamOf } from "./control-props.ts";
import { Dice } from "./dice.tsx";
import { NumberEntry } from "./number-entry.tsx";
import { words } from "./words.ts";

/** An integer with more values than this gets a field instead of a slider. */
const MAX_STEPS = 10_000;

export function NumberControl(props: ControlProps<"number">) {
  return isField(props.param) ? <NumberField {...props} /> : <Slider {...props} />;
}

/** True for a number that is chosen rather than tuned, such as a seed. */
export const isField = ({ integer, min, max }: ParamOf<"number">): boolean =>
  integer && max - min > MAX_STEPS;

function Slider({ param, value, set }: ControlProps<"number">) {
  const { name, min, max, integer, description } = param;
  const id = `slider-${name}`;
  const step = integer ? 1 : stepFor(min, max, param.default);
  return (
    <div class="slider" title={description}>
      <label for={id}>{words(name)}</label>
      <output for={id}>{shownNumber(value, step)}</output>
      <Range
        id={id}
        min={min}
        max={max}
        step={step}
        value={value}
        set={set}
        description={description}
      />
    </div>
  );
}

interface RangeProps {
  readonly id?: string;
  readonly label?: string;
  readonly description?: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly set: (value: number) => void;
}

/** The bare slider. */
export function Range({ id, label, description, min, max, step, value, set }: RangeProps) {
  return (
    <input
      id={id}
      type="range"
      aria-label={label}
      aria-description={description || undefined}
      min={min}
      max={max}
      step={step}
      value={value}
      style={{ "--at": `${((value - min) / (max - min || 1)) * 100}%` }}
      onInput={({ currentTarget }) => set(currentTarget.valueAsNumber)}
    />
  );
}

/** Typed, or picked at random. */
function NumberField({ param, value, set }: ControlProps<"number">) {
  const { name, min, max, integer, description } = param;
  const id = `field-${name}`;
  return (
    <div class="field" title={description}>
      <label for={id}>{words(name)}</label>
      <NumberEntry
        id={id}
        value={String(value)}
        {...{ min, max, integer, description }}
        set={(typed) => set(Number(typed))}
      />
      <Dice label="Shuffle" press={() => set(min + Math.floor(Math.random() * (max - min + 1)))} />
    </div>
  );
}
