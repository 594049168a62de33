/** On or off. */
import type { ControlProps } from "./control-props.ts";
import { words } from "./words.ts";

export function SwitchControl({ param, value, set }: ControlProps<"switch">) {
  return (
    <label class="switch" title={param.description}>
      <input
        type="checkbox"
        aria-description={param.description || undefined}
        checked={value}
        onChange={({ currentTarget }) => set(currentTarget.checked)}
      />
      <span>{words(param.name)}</span>
    </label>
  );
}
