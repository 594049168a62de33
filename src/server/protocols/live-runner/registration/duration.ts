/** Reads durations in Go's notation, as orchestrators write them: `5s`, `1m0s`, `500ms`, `1.5s`. */

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const WHOLE = new RegExp(`^\\+?(?:${PART.source})+$`);

/** Milliseconds, or null for text that is not a positive duration. */
export function goDuration(text: string): number | null {
  if (!WHOLE.test(text)) return null;
  let sum = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(PART))
    sum += Number.parseFloat(amount) * (MILLISECONDS[unit] ?? 0);
  return sum > 0 ? sum : null;
}
