/** Reads numbers from the command line. */

/** Throws with the option's name, its value and what is allowed. */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number of at least ${least}: ${text}`);
}

/** As `wholeNumber`; fractions are allowed. */
export function numberFrom(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= least) return value;
  throw new Error(`--${name} must be a number of at least ${least}: ${text}`);
}
