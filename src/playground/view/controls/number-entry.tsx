/** A field for a number that is typed or pasted. */
import { useTyped } from "./use-typed.ts";

interface NumberEntryProps {
  readonly id?: string;
  /** Where no label names the field by its id. */
  readonly label?: string;
  readonly value: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly step: number | "any";
  readonly description?: string;
  readonly invalid?: boolean;
  /** Called with a number in range as it was typed, when the field is left or Enter is pressed. */
  readonly set: (value: string) => void;
}

export function NumberEntry(props: NumberEntryProps) {
  const { id, label, value, min, max, step, description = "", invalid = false, set } = props;
  const { shown, type, end } = useTyped(value);
  return (
    <input
      id={id}
      type="number"
      aria-label={label}
      aria-description={description || undefined}
      aria-invalid={invalid}
      min={min}
      max={max}
      step={step}
      value={shown}
      onInput={({ currentTarget }) => type(currentTarget.value)}
      onBlur={end}
      onChange={({ currentTarget }) => {
        const { value: entered, validity } = currentTarget;
        if (validity.valid && entered !== "") {
          end();
          set(entered);
        } else currentTarget.reportValidity();
      }}
    />
  );
}
