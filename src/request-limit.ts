/** Hides that a process may have only 256 requests open unless its environment says otherwise before it starts. */

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const MOST = "65535";

/**
 * Starts this program anew, in this very process, with room for as many requests as there may be: each stream of an
 * orchestrator keeps some open. Does not return then; returns where the variable is set already.
 * Pid, arguments, working directory and stdio stay.
 */
export function raiseRequestLimit(): void {
  if (process.env[VARIABLE] || process.execve === undefined) return;
  const compiled = Bun.main.startsWith("/$bunfs/") || Bun.main.includes("~BUN");
  const program = compiled ? [] : [...process.execArgv, Bun.main];
  const args = [process.execPath, ...program, ...Bun.argv.slice(2)];
  const env = Object.entries({ ...process.env, [VARIABLE]: MOST });
  process.execve(
    process.execPath,
    args,
    Object.fromEntries(env.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  );
}
