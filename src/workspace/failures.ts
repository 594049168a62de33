/** The failures of commands on the workspace. Their messages are printed as they are, so they name the way out. */

/** What was asked for cannot be done; the program exits with 1. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** What was fetched is worth nothing, so that it is not kept for a later attempt. */
export class Unusable extends CommandError {
  override readonly name = "Unusable";
}

/** The command line is wrong; the program exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
