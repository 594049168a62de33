/** Raises the number of requests that a process may have open: 256, unless its environment sets it before the start. */

import { isCompiled } from "./compiled.ts";

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const MOST = "65535";

/**
 * Executes this program again in the same process with the limit raised to its maximum: each stream of an orchestrator
 * keeps several requests open. Keeps pid, arguments, working directory and stdio. Returns only where the variable is
 * already set.
 */
export function raiseRequestLimit(): void {
  if (process.env[VARIABLE] || process.execve === undefined) return;
  const program = isCompiled() ? [] : [...process.execArgv, Bun.main];
  const args = [process.execPath, ...program, ...Bun.argv.slice(2)];
  const env = Object.entries({ ...process.env, [VARIABLE]: MOST });
  process.execve(
    process.execPath,
    args,
    Object.fromEntries(env.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  );
}
