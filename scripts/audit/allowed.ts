/** Lists advisories that do not concern this program, each with its reason, and a day on which it is looked at again. */
import type { Allowed } from "./advisories.ts";

export const ALLOWED: readonly Allowed[] = [];
