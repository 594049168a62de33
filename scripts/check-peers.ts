/**
 * `bun run check-peers`: installs, runs the tests with programs of others (pytrickle, livepeer-gateway, go-livepeer, ffmpeg,
 * ComfyUI, Chromium), and ends with a line of totals. Tests whose programs are missing skip and name them.
 */
import { bundlePrograms, finish, inParallel, install, runTests } from "./check-steps.ts";

await install();
await bundlePrograms();
finish([
  await runTests("tests against programs of others", ["tests/interop"]),
  await runTests("tests in a browser", [...inParallel(2), "tests/e2e"]),
]);
