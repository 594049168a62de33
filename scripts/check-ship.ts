/**
 * `bun run check-ship`: installs, runs the tests of what is shipped (binary, image, proxies in front of several workers), and
 * ends with a line of totals. Tests whose programs are missing skip and name them.
 */
import { finish, install, runTests } from "./check-steps.ts";

await install();
finish([await runTests("tests of what is shipped", ["tests/ship"])]);
