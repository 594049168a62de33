/** A vector whose entries have no names: a field for each number, or one for all where there are many. */
import { type VectorParam, withWeight } from "../../vector.ts";
import type { ControlProps } from "./control-props.ts";
import { NumberEntry } from "./number-entry.tsx";
import { useEntry } from "./use-entry.tsx";
import { words } from "./words.ts";

/** A vector with more numbers is one text. */
const MAX_FIELDS = 8;

export function NumberList(props: ControlProps<"vector">) {
  const { param } = props;
  return param.default.length > MAX_FIELDS ? <Text {...props} /> : <Fields {...props} />;
}

function Fields({ param, value, set }: ControlProps<"vector">) {
  const name = words(param.name);
  return (
    <fieldset
      class="vector numbers"
      title={param.description}
      aria-description={param.description || undefined}
    >
      <legend>{name}</legend>
      {value.map((number, index) => (
        <NumberEntry
          key={index}
          label={`${name} ${index + 1}`}
          min={param.min}
          max={param.max}
          integer={false}
          value={String(number)}
          set={(typed) => set(withWeight(value, index, Number(typed)))}
        />
      ))}
    </fieldset>
  );
}

function Text({ param, value, set }: ControlProps<"vector">) {
  const name = words(param.name);
  const { field, fault } = useEntry({
    value: value.join(" "),
    check: (text) => faultIn(numbersIn(text), param),
    set: (text) => set(numbersIn(text)),
  });
  return (
    <details class="vector" title={param.description}>
      <summary>
        {name}: {param.default.length} numbers
      </summary>
      <textarea
        rows={4}
        aria-label={name}
        aria-description={param.description || undefined}
        aria-invalid={fault !== false}
        spellcheck={false}
        {...field}
      />
      {fault}
    </details>
  );
}

const numbersIn = (text: string): number[] =>
  text
    .split(/[\s,;[\]]+/)
    .filter(Boolean)
    .map(Number);

function faultIn(numbers: readonly number[], { default: { length }, min, max }: VectorParam) {
  if (numbers.length !== length) return `Enter ${length} numbers; there are ${numbers.length}.`;
  const isWrong = numbers.some((number) => !(number >= min && number <= max));
  return isWrong ? `Enter numbers from ${min} to ${max}.` : null;
}
