/** The control of a parameter, by the parameter's type; it shows the form's value and changes it. */

import type { Param, Value } from "../../api.ts";
import { withValue } from "../../draft.ts";
import { edit } from "../../form-changes.ts";
import { isList } from "../../param-values.ts";
import { draft } from "../../state.ts";
import { NumberControl } from "./number.tsx";
import { PictureControl } from "./picture.tsx";
import { SwitchControl } from "./switch.tsx";
import { TriggerControl } from "./trigger.tsx";
import { VectorControl } from "./vector.tsx";

export function Control({ param }: { param: Param }) {
  const value = draft.value.values[param.name];
  const set = (to: Value | null) => edit(withValue(draft.value, param.name, to));
  switch (param.type) {
    case "number":
      return <NumberControl param={param} value={numberOr(value, param.default)} set={set} />;
    case "trigger":
      return <TriggerControl param={param} value={numberOr(value, param.default)} set={set} />;
    case "switch": {
      const on = typeof value === "boolean" ? value : param.default;
      return <SwitchControl param={param} value={on} set={set} />;
    }
    case "vector": {
      const list = isList(value) ? value : param.default;
      return <VectorControl param={param} value={list} set={set} />;
    }
    case "picture": {
      const uri = typeof value === "string" ? value : null;
      return <PictureControl param={param} value={uri} set={set} />;
    }
  }
}

const numberOr = (value: Value | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;
