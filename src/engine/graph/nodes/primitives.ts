/** Declares the nodes that hold one value, and the one that passes a link on. */

import type { Declarations } from "../declarations.ts";
import { float, int, link, text, toggle } from "../input-declaration.ts";

export const PRIMITIVE_NODES: Declarations = {
  PrimitiveBoolean: {
    category: "value",
    inputs: {
      value: toggle(),
    },
    outputs: ["BOOLEAN"],
  },
  PrimitiveFloat: {
    category: "value",
    inputs: {
      value: float({ min: -9223372036854775807n, max: 9223372036854775807n }),
    },
    outputs: ["FLOAT"],
  },
  PrimitiveInt: {
    category: "value",
    inputs: {
      value: int({ min: -9223372036854775807n, max: 9223372036854775807n }),
    },
    outputs: ["INT"],
  },
  PrimitiveString: {
    category: "value",
    inputs: {
      value: text(),
    },
    outputs: ["STRING"],
  },
  PrimitiveStringMultiline: {
    category: "value",
    inputs: {
      value: text(),
    },
    outputs: ["STRING"],
  },
  Reroute: {
    category: "value",
    inputs: { "": link("*") },
    outputs: ["*"],
    note: "Exists in ComfyUI's page alone, which leaves it out of what it exports; here, links skip it.",
  },
};
