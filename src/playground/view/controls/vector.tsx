/** A list of numbers: a choice or a blend where they have names, otherwise the numbers themselves. */
import type { ControlProps } from "./control-props.ts";
import { NamedVector } from "./named-vector.tsx";
import { NumberList } from "./number-list.tsx";

export function VectorControl(props: ControlProps<"vector">) {
  return props.param.entries.some(Boolean) ? <NamedVector {...props} /> : <NumberList {...props} />;
}
