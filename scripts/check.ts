/**
 * `bun run check`: installs, checks format, lint and types, runs all tests that need nothing but npm, and ends with a line of
 * totals. It runs on a fresh clone; every child is this same Bun, whether or not it is on the PATH.
 */
import { bundlePrograms, finish, inParallel, install, runTests, step } from "./check-steps.ts";

/** Many tests wait for media that plays in real time: with three files two cores are busy, with two they idle 40 % of the time. */
const AT_A_TIME = 3;
/** Tests of what streams notice of each other: another file beside them would be one more neighbour. */
const ALONE = "tests/alone";
/** Tests of what is shipped and with programs of others have checks of their own. */
const ELSEWHERE = ["tests/ship", "tests/interop", "tests/e2e"];
const IGNORED = [ALONE, ...ELSEWHERE].map((folder) => `--path-ignore-patterns=${folder}/**`);

const TSC = "node_modules/typescript/bin/tsc";
const BIOME = ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."];

await install();
await bundlePrograms();
finish([
  ...(await Promise.all([
    step("format and lint", BIOME),
    step("types", [TSC, "-p", "."]),
    // A program of its own: only the page may use a browser's globals.
    step("types of the page", [TSC, "-p", "src/playground"]),
  ])),
  await runTests("tests", [...inParallel(AT_A_TIME), ...IGNORED]),
  await runTests("tests alone", [ALONE]),
]);
