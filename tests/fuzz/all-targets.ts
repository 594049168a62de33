/** Lists every target of `bun run fuzz`, as the table in docs/faults.md shows them. */
import type { FuzzTarget } from "./fuzz.ts";
import { HTTP_TARGETS } from "./http/targets.ts";
import { PARSER_TARGETS } from "./parsers/targets.ts";

export const ALL_TARGETS: readonly FuzzTarget[] = [...HTTP_TARGETS, ...PARSER_TARGETS];
