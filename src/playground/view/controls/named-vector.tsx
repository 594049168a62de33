/** A vector whose entries have names: one is chosen, or several are blended by their weights. */
import { shownNumber, stepFor } from "../../numbers.ts";
import {
  entryName,
  onlyEntry,
  type Part,
  partsOf,
  percentages,
  type VectorParam,
  withEntry,
  withSwapped,
  withWeight,
} from "../../vector.ts";
import { Cross } from "../cross.tsx";
import type { ControlProps } from "./control-props.ts";
import { Range } from "./number.tsx";
import { words } from "./words.ts";

export function NamedVector({ param, value, set }: ControlProps<"vector">) {
  const parts = partsOf(param, value);
  const shares = param.blend ? percentages(parts.map(({ weight }) => weight)) : null;
  const rest = param.default.map((_, index) => index).filter((index) => !value[index]);
  const name = words(param.name);
  return (
    <fieldset
      class="vector"
      title={param.description}
      aria-description={param.description || undefined}
    >
      <legend>{name}</legend>
      {shares !== null && parts.length > 1 && <Mix shares={shares} />}
      {param.choice && (
        <Entries
          param={param}
          label={name}
          entries={param.default.map((_, index) => index)}
          chosen={parts[0]?.index ?? 0}
          choose={(index) => set(onlyEntry(param, index))}
        />
      )}
      {(param.choice ? [] : parts).map((part, place) => (
        <PartRow
          key={part.index}
          param={param}
          part={part}
          label={parts.length === 1 ? name : `${name} ${place + 1}`}
          share={shares?.[place] ?? null}
          alone={parts.length === 1}
          others={rest}
          swap={(to) => set(withSwapped(value, part.index, to))}
          weigh={(weight) => set(withWeight(value, part.index, weight))}
        />
      ))}
      {!param.choice && rest.length > 0 && (
        <Entries
          param={param}
          label={parts.length === 0 ? name : `Add to ${name.toLowerCase()}`}
          placeholder={parts.length === 0 ? "None" : "Blend in another …"}
          entries={rest}
          choose={(index) =>
            set(parts.length === 0 ? onlyEntry(param, index) : withEntry(param, value, index))
          }
        />
      )}
    </fieldset>
  );
}

interface PartRowProps {
  readonly param: VectorParam;
  readonly part: Part;
  readonly label: string;
  /** In percent; null where weights are no shares of a whole. */
  readonly share: number | null;
  readonly alone: boolean;
  /** The entries that do not take part. */
  readonly others: readonly number[];
  readonly swap: (index: number) => void;
  readonly weigh: (weight: number) => void;
}

function PartRow({ param, part, label, share, alone, others, swap, weigh }: PartRowProps) {
  const step = stepFor(param.min, param.max);
  const choices = [...others, part.index].sort((a, b) => a - b);
  return (
    <div class="part">
      <Entries param={param} label={label} entries={choices} chosen={part.index} choose={swap} />
      {!(alone && share !== null) && (
        <>
          <output>{share === null ? shownNumber(part.weight, step) : `${share} %`}</output>
          <Range
            label={`Weight of ${part.name}`}
            // At zero the entry would leave the blend under the pointer.
            min={param.min < 0 ? param.min : Math.max(param.min, step)}
            max={param.max}
            step={step}
            value={part.weight}
            set={(weight) => weigh(weight === 0 ? step : weight)}
          />
        </>
      )}
      {!(alone && param.blend) && (
        <Cross
          label={`Remove ${part.name}`}
          press={({ currentTarget }) => {
            // The row disappears: keep the keyboard focus in the control.
            const selects = currentTarget.closest("fieldset")?.querySelectorAll("select") ?? [];
            const row = currentTarget.parentElement;
            [...selects].findLast((select) => !row?.contains(select))?.focus();
            weigh(0);
          }}
        />
      )}
    </div>
  );
}

interface EntriesProps {
  readonly param: VectorParam;
  readonly label: string;
  readonly entries: readonly number[];
  readonly chosen?: number;
  /** Shown while nothing is chosen. */
  readonly placeholder?: string;
  readonly choose: (index: number) => void;
}

function Entries({ param, label, entries, chosen, placeholder, choose }: EntriesProps) {
  return (
    <select
      aria-label={label}
      class={chosen === undefined ? "add" : ""}
      value={chosen ?? ""}
      onChange={({ currentTarget }) => {
        const index = Number(currentTarget.value);
        if (chosen === undefined) currentTarget.value = "";
        choose(index);
      }}
    >
      {chosen === undefined && <option value="">{placeholder}</option>}
      {entries.map((index) => (
        <option key={index} value={index}>
          {entryName(param, index)}
        </option>
      ))}
    </select>
  );
}

/** The shares as a bar; the rows say them in words. */
const Mix = ({ shares }: { shares: readonly number[] }) => (
  <div class="mix" aria-hidden="true">
    {shares.map((share, place) => (
      <i key={place} style={{ flexGrow: share }} />
    ))}
  </div>
);
