/** A short run of each target of hostile HTTP; `bun run fuzz` runs as many cases as are asked for. */
import { setDefaultTimeout, test } from "bun:test";
import { expectNoFindings } from "../short-run.ts";
import { HTTP_TARGETS } from "./targets.ts";

setDefaultTimeout(60_000);

for (const target of HTTP_TARGETS)
  test(`${target.name}: ${target.inputs} break nothing`, () => expectNoFindings(target));
