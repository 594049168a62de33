/** A short run of each target of hostile HTTP; `bun run fuzz` runs as many cases as are asked for. */
import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { expectNoFindings } from "../short-run.ts";
import { HTTP_TARGETS } from "./targets.ts";
import { holdWorker } from "./worker.ts";

setDefaultTimeout(60_000);

const CASES = 100;

let hold: Awaited<ReturnType<typeof holdWorker>>;
beforeAll(async () => {
  hold = await holdWorker();
});
afterAll(() => hold[Symbol.asyncDispose]());

for (const target of HTTP_TARGETS)
  test(`${target.name}: ${target.inputs} harm nothing`, () => expectNoFindings(target, CASES));
