/** Lists the classes that hold one value, and the one that passes a link on. */
import type { NodeClass } from "../node-class.ts";
import { PrimitiveBoolean } from "./primitives/primitive-boolean.ts";
import { PrimitiveFloat } from "./primitives/primitive-float.ts";
import { PrimitiveInt } from "./primitives/primitive-int.ts";
import { PrimitiveString } from "./primitives/primitive-string.ts";
import { PrimitiveStringMultiline } from "./primitives/primitive-string-multiline.ts";
import { Reroute } from "./primitives/reroute.ts";

export const PRIMITIVE_NODES: readonly NodeClass[] = [
  PrimitiveBoolean,
  PrimitiveFloat,
  PrimitiveInt,
  PrimitiveString,
  PrimitiveStringMultiline,
  Reroute,
];
