/** Lists the warnings and errors that a worker may log while faults strike it. */
import type { LogLine } from "./log-watch.ts";

const ALWAYS: ReadonlySet<string> = new Set([
  // Each simulated orchestrator plays one of the two roles.
  "not registered: retried every 60 s",
  "runner not registered: retried every 60 s",
  // Faults of the network, whose time limits may run out later.
  "no answer",
  "publishing is failing",
  "reading messages is failing",
  "segment broke off",
  "sending messages is failing",
  "stream continues without a channel",
  "stream degraded",
  "too far behind, jumping to the newest segment",
  // Faults of input.
  "input refused",
]);

/** No engine dies and no model fails of anything but a fault of processes. */
const AFTER_PROCESS_FAULTS: ReadonlySet<string> = new Set([
  "USAGE_LOG: the file cannot be written; records wait in memory",
  "an engine's calls cannot be watched: free some space in one of these folders",
  "cannot list the workspace",
  "changed model cannot be loaded",
  "engine died; starting another one",
  "isolated after its engine died",
  "model failed",
  "model lost; it is loaded again on its next use",
  "model watch failed",
  "orchestrator not reached: still trying",
  "runner: orchestrator not reached: still trying",
  "stream interrupted: its engine died",
]);

/** A warning or error that the latest faults explain. Text that is not a line of the log is what a crash prints. */
export function isExplained(line: LogLine | null, afterProcessFault: boolean): boolean {
  if (line === null) return afterProcessFault;
  const { message } = line;
  return ALWAYS.has(message) || (afterProcessFault && AFTER_PROCESS_FAULTS.has(message));
}
