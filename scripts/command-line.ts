/**
 * Reads the command lines of scripts; reports a mistake with the usage before anything starts. Imports only what Bun provides: the
 * demo runs on a clone that is not installed.
 */

/**
 * Returns what `read` parses from the command line, with `parseArgs` and the functions below. If it throws, prints the reason and
 * the usage and exits with 2. `--help` prints the usage and exits with 0.
 */
export function commandLine<T>(script: string, usage: string, read: () => T): T {
  if (process.argv.slice(2).includes("--help")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    return refuse(script, usage, error instanceof Error ? error.message : String(error));
  }
}

/** Prints what is wrong with the command line, and the usage; exits with 2. */
export function refuse(script: string, usage: string, why: string): never {
  const [own = why] = why.split(". To specify a positional argument"); // parseArgs explains "--" at length
  console.error(`${script}: ${own}\n${usage}`);
  process.exit(2);
}

/** Throws with the option's name, its value and what is allowed. */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number of at least ${least}: ${text}`);
}

/** A zstd compression level, 1 to 22. */
export function compressionLevel(text: string): number {
  const level = wholeNumber("level", text, 1);
  if (level <= 22) return level;
  throw new Error(`--level must be at most 22: ${text}`);
}

/** As `wholeNumber`; fractions are allowed. */
export function numberFrom(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= least) return value;
  throw new Error(`--${name} must be a number of at least ${least}: ${text}`);
}
