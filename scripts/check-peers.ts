/**
 * `bun run check-peers`: installs, runs the tests with programs of others (pytrickle, livepeer-gateway, go-livepeer, ffmpeg,
 * ComfyUI, Chromium), and ends with a line of totals. Tests whose programs are missing skip and name them.
 */
import { finish, IN_PARALLEL, install, runTests } from "./check-steps.ts";

const installed = await install();
if (installed.failed > 0) finish([installed]);
finish([
  await runTests("tests against programs of others", ["tests/interop"]),
  await runTests("tests in a browser", [...IN_PARALLEL, "tests/e2e"]),
]);
