/** A field for a number that is typed or pasted, with what is wrong with it. */
import { type NumberRange, numberFault } from "../../numbers.ts";
import { useEntry } from "./use-entry.tsx";

interface NumberEntryProps extends NumberRange {
  readonly id?: string;
  /** Where no label names the field by its id. */
  readonly label?: string;
  readonly value: string;
  readonly description?: string;
  readonly invalid?: boolean;
  /** Called with a number in range as it was typed, when the field is left or Enter is pressed. */
  readonly set: (value: string) => void;
}

export function NumberEntry(props: NumberEntryProps) {
  const { id, label, value, min, max, integer, description = "", invalid = false, set } = props;
  const check = (text: string) => numberFault(text, { min, max, integer });
  const { field, fault } = useEntry({ value, check, set });
  return (
    <>
      <input
        id={id}
        type="number"
        aria-label={label}
        aria-description={description || undefined}
        aria-invalid={invalid || fault !== false}
        min={min}
        max={max}
        step={integer ? 1 : "any"}
        {...field}
      />
      {fault}
    </>
  );
}
