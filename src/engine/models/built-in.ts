/** Lists the built-in models, whose ONNX graphs are generated from code. */
import type { BuiltIn } from "./built-in/built-in.ts";
import { cartoon } from "./built-in/cartoon.ts";
import { dreamscape } from "./built-in/dreamscape/dreamscape.ts";
import { edges } from "./built-in/edges.ts";
import { identity } from "./built-in/identity.ts";
import { mirror } from "./built-in/mirror.ts";
import { restyle } from "./built-in/restyle.ts";
import { testCard } from "./built-in/test-card.ts";
import { thermal } from "./built-in/thermal.ts";

/** By name. A workspace folder of the same name overrides a built-in model. */
export const BUILT_INS: Readonly<Record<string, BuiltIn>> = {
  cartoon,
  dreamscape,
  edges,
  identity,
  mirror,
  restyle,
  "test-card": testCard,
  thermal,
};
