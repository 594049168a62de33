/** Formats numbers with the decimals that they need, and explains what is wrong with one that is typed. */

export interface NumberRange {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Only whole numbers are allowed. */
  readonly integer: boolean;
}

/**
 * The step of a slider: a power of ten that divides the range into 100 to 1,000 steps, or up to 100 times finer if the
 * default would lie between two steps.
 */
export function stepFor(min: number, max: number, base = min): number {
  const coarse = Math.floor(Math.log10(Math.max(max - min, 1e-6) / 100));
  const steps = [coarse, coarse - 1, coarse - 2].map((exponent) => 10 ** exponent);
  return steps.find((step) => isMultiple(base - min, step)) ?? 10 ** coarse;
}

/** The value with the decimals of its step, and with more if it lies between two steps. */
export function shownNumber(value: number, step: number): string {
  const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  if (isMultiple(value, step)) return value.toFixed(decimals);
  const exact = Math.abs(value) < step ? value.toPrecision(2) : value.toFixed(decimals + 2);
  return String(Number(exact));
}

const isMultiple = (value: number, step: number): boolean =>
  Math.abs(value / step - Math.round(value / step)) < 1e-6;

/** Why a typed text cannot be used, as a sentence; null if it can. */
export function numberFault(text: string, { min, max, integer }: NumberRange): string | null {
  const typed = text.trim();
  const value = Number(typed);
  if (typed === "" || !Number.isFinite(value)) return "Enter a number.";
  if (integer && !Number.isInteger(value)) return `${typed} is not a whole number.`;
  if (min !== undefined && value < min) return `${typed} is too small: the minimum is ${min}.`;
  if (max !== undefined && value > max) return `${typed} is too large: the maximum is ${max}.`;
  return null;
}
