/** Lists the targets of hostile HTTP. */
import type { FuzzTarget } from "../fuzz.ts";
import { jsonTexts } from "./json-texts.ts";

export const HTTP_TARGETS: readonly FuzzTarget[] = [jsonTexts];
