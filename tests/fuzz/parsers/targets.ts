/** Lists the targets that read files, messages and media. */
import type { FuzzTarget } from "../fuzz.ts";
import { containerBytes } from "./container-bytes.ts";

export const PARSER_TARGETS: readonly FuzzTarget[] = [...containerBytes];
