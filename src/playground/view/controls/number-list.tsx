/** A vector whose entries have no names: a field for each number, or one for all where there are many. */
import { type VectorParam, withWeight } from "../../vector.ts";
import type { ControlProps } from "./control-props.ts";
import { NumberEntry } from "./number-entry.tsx";
import { useTyped } from "./use-typed.ts";
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
          step="any"
          value={String(number)}
          set={(typed) => set(withWeight(value, index, Number(typed)))}
        />
      ))}
    </fieldset>
  );
}

function Text({ param, value, set }: ControlProps<"vector">) {
  const name = words(param.name);
  const { shown, type, end } = useTyped(value.join(" "));
  return (
    <details class="vector" title={param.description}>
      <summary>
        {name}: {param.default.length} numbers
      </summary>
      <textarea
        rows={4}
        aria-label={name}
        aria-description={param.description || undefined}
        spellcheck={false}
        value={shown}
        onInput={({ currentTarget }) => {
          type(currentTarget.value);
          currentTarget.setCustomValidity("");
        }}
        onChange={({ currentTarget }) => {
          const numbers = numbersIn(currentTarget.value);
          const problem = problemOf(numbers, param);
          currentTarget.setCustomValidity(problem);
          if (problem === "") {
            end();
            set(numbers);
          } else currentTarget.reportValidity();
        }}
      />
    </details>
  );
}

const numbersIn = (text: string): number[] =>
  text
    .split(/[\s,;[\]]+/)
    .filter(Boolean)
    .map(Number);

function problemOf(numbers: readonly number[], { default: { length }, min, max }: VectorParam) {
  if (numbers.length !== length) return `Enter ${length} numbers; there are ${numbers.length}.`;
  const isWrong = numbers.some((number) => !(number >= min && number <= max));
  return isWrong ? `Enter numbers from ${min} to ${max}.` : "";
}
