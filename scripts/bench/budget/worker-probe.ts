/** Preload of model threads in `bench budget`: adds to each answer of a run when the session began and ended with it. */
import type { Response } from "../../../src/engine/device/worker/calls.ts";
import { Session } from "../../../src/engine/device/worker/runtime.ts";
import { type ProbedRun, sharedNow } from "./probe-report.ts";
import { countCopies, wrap } from "./wrap.ts";

const takeCopied = countCopies();
let begun = 0;
let ended = 0;

wrap(Session.prototype, "run", async (call) => {
  begun = sharedNow();
  const outputs = await call();
  ended = sharedNow();
  return outputs;
});

wrap(globalThis, "postMessage", (call, [response]) => {
  const answer = response as Response;
  if (answer.ok && isRun(answer.output)) {
    const probe: ProbedRun["probe"] = { begun, ended, copiedBytes: takeCopied() };
    Object.assign(answer.output, { probe });
  }
  return call();
});

/** Of all answers, only those of runs have outputs. */
const isRun = (output: unknown): output is object =>
  output !== null && typeof output === "object" && "outputs" in output;
