/** A field for a number that is typed or pasted. */
import { useState } from "preact/hooks";

interface NumberEntryProps {
  readonly id: string;
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
  const { id, value, min, max, step, description = "", invalid = false, set } = props;
  // While it is being typed, the page renders again for other reasons.
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      id={id}
      type="number"
      aria-description={description || undefined}
      aria-invalid={invalid}
      min={min}
      max={max}
      step={step}
      value={typed ?? value}
      onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      onBlur={() => setTyped(null)}
      onChange={({ currentTarget }) => {
        const { value: entered, validity } = currentTarget;
        if (validity.valid && entered !== "") {
          setTyped(null);
          set(entered);
        } else currentTarget.reportValidity();
      }}
    />
  );
}
