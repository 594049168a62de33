/** Asks the person at the terminal, if there is one. */
import { createInterface } from "node:readline/promises";
import type { Ask } from "./choose.ts";
import { printable } from "./printable.ts";

/** Null where input or messages do not go to a terminal. */
export function createAsk(signal: AbortSignal): Ask {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    // Readline reads Ctrl-C as a key, so that the process gets no signal.
    terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    try {
      return await terminal.question(printable(question), { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      terminal.close();
    }
  };
}
