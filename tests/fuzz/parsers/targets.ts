/** Lists the targets that read files, messages and media. */
import type { FuzzTarget } from "../fuzz.ts";

export const PARSER_TARGETS: readonly FuzzTarget[] = [];
