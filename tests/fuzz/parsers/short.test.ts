/** A short run of each target that reads files, messages or media; `bun run fuzz` runs as many cases as are asked for. */
import { setDefaultTimeout, test } from "bun:test";
import { expectNoFindings } from "../short-run.ts";
import { PARSER_TARGETS } from "./targets.ts";

setDefaultTimeout(60_000);

for (const target of PARSER_TARGETS)
  test(`${target.name}: ${target.inputs} break nothing`, () => expectNoFindings(target, 15));
