/** The control for one value of a node. */
import { useId } from "preact/hooks";
import { setInput } from "../../graph/graph-actions.ts";
import { isSeed, jsonOf, type Widget } from "../../graph/node-classes.ts";
import type { GraphInput, GraphNode } from "../../graph/read-graph.ts";
import { shownNumber, stepFor } from "../../numbers.ts";
import { Dice } from "../controls/dice.tsx";
import { Range } from "../controls/number.tsx";
import { NumberEntry } from "../controls/number-entry.tsx";
import { words } from "../controls/words.ts";

interface NodeFieldProps {
  readonly node: GraphNode;
  readonly input: GraphInput;
  readonly widget: Widget;
  readonly invalid: boolean;
}

/** Seeds that the dice gives: ComfyUI's page has larger ones, which a browser rounds. */
const MAX_ROLLED = 2 ** 48;
/** A number with a range up to this is a slider. */
const MAX_SLIDER = 10;

export function NodeField({ node, input, widget, invalid }: NodeFieldProps) {
  const id = useId();
  const label = words(input.name);
  const set = (value: string) => setInput(node, input.name, jsonOf(widget, value));
  if (widget.kind === "switch")
    return (
      <label class="switch">
        <input
          type="checkbox"
          aria-invalid={invalid}
          checked={input.value === "true"}
          onChange={({ currentTarget }) => set(String(currentTarget.checked))}
        />
        <span>{label}</span>
      </label>
    );
  if (widget.kind === "number" && isTuned(widget))
    return <Slider id={id} label={label} value={input.value} widget={widget} set={set} />;
  return (
    <div class={widget.kind === "text" ? "field text" : "field"}>
      <label for={id}>{label}</label>
      <Entry {...{ id, input, widget, invalid, set }} />
    </div>
  );
}

type NumberWidget = Extract<Widget, { kind: "number" }>;

const isTuned = ({ integer, min, max }: NumberWidget): boolean =>
  !integer && min !== undefined && max !== undefined && max - min <= MAX_SLIDER;

interface EntryProps extends Omit<NodeFieldProps, "node"> {
  readonly id: string;
  readonly set: (value: string) => void;
}

function Entry({ id, input, widget, invalid, set }: EntryProps) {
  switch (widget.kind) {
    case "text":
      return (
        <textarea
          id={id}
          rows={2}
          dir="auto"
          aria-invalid={invalid}
          value={input.value}
          onInput={({ currentTarget }) => set(currentTarget.value)}
        />
      );
    case "choice":
      return (
        <select
          id={id}
          aria-invalid={invalid}
          value={input.value}
          onChange={({ currentTarget }) => set(currentTarget.value)}
        >
          {widget.options.includes(input.value) || <option>{input.value}</option>}
          {widget.options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      );
    case "number":
      return (
        <>
          <NumberEntry
            id={id}
            value={input.kind === "number" ? input.value : ""}
            min={widget.min}
            max={widget.max}
            integer={widget.integer}
            invalid={invalid}
            set={set}
          />
          {isSeed(input) && (
            <Dice
              label="Shuffle"
              press={() => set(String(Math.floor(Math.random() * MAX_ROLLED)))}
            />
          )}
        </>
      );
    case "switch":
      return null; // `NodeField` has drawn it
  }
}

interface SliderProps {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly widget: NumberWidget;
  readonly set: (value: string) => void;
}

function Slider({ id, label, value, widget: { min = 0, max = 1 }, set }: SliderProps) {
  const step = stepFor(min, max);
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id}>{shownNumber(Number(value), step)}</output>
      <Range
        {...{ id, min, max }}
        step={step}
        value={Number(value)}
        set={(to) => set(String(to))}
      />
    </div>
  );
}
