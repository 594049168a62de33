/** Something that happens at each press: the model reacts whenever the number changes. */
import type { ControlProps } from "./control-props.ts";
import { words } from "./words.ts";

export function TriggerControl({ param, value, set }: ControlProps<"trigger">) {
  return (
    <button
      type="button"
      class="secondary"
      title={param.description}
      onClick={() => set(value + 1)}
    >
      {words(param.name)}
    </button>
  );
}
