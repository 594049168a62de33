/** Lays out the axis of a chart: the range that it covers, its ticks, and where a value lies on it. */

/** `tail` is for shares from 0 to 1: as much room from 90 to 99 % as from 0 to 90 %. */
export type Scale = "linear" | "log" | "tail";

export interface Axis {
  /** What it shows, and the unit. */
  readonly title: string;
  readonly scale: Scale;
  /** Default: round numbers. */
  readonly ticks?: readonly number[];
}

export interface Tick {
  /** From 0 to 1 along the axis. */
  readonly at: number;
  readonly label: string;
}

export interface Layout {
  readonly ticks: readonly Tick[];
  /** From 0 to 1 along the axis, for a value within its range. */
  place(value: number): number;
}

/** Ticks of a linear axis, about. */
const INTERVALS = 5;
/** A logarithmic axis that covers more than this has ticks at powers of ten alone. */
const MANY_DECADES = 5;
const TAIL_TICKS = [0, 0.5, 0.75, 0.9, 0.95, 0.99];

/** An axis that has room for all of these values. Those of a logarithmic one must be positive. */
export function layOut({ scale, ticks }: Axis, values: readonly number[]): Layout {
  const marks = ticks ?? ticksOf(scale, values);
  const along = ALONG[scale];
  const ends = [...marks, ...(scale === "tail" ? [] : values)].map(along);
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  const place = (value: number) => (to === from ? 0.5 : (along(value) - from) / (to - from));
  const label = scale === "tail" ? (share: number) => `${share * 100} %` : tickLabel;
  return { place, ticks: marks.map((value) => ({ at: place(value), label: label(value) })) };
}

const ALONG: Readonly<Record<Scale, (value: number) => number>> = {
  linear: (value) => value,
  log: Math.log10,
  tail: (share) => -Math.log10(1 - share),
};

function ticksOf(scale: Scale, values: readonly number[]): readonly number[] {
  if (scale === "tail") return TAIL_TICKS;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (scale === "log") return logTicks(least, most);
  const from = Math.min(0, least);
  return linearTicks(from, most > from ? most : from + 1);
}

/** Multiples of 1, 2 or 5 times a power of ten, from at most `least` to at least `most`. */
function linearTicks(least: number, most: number): number[] {
  const rough = (most - least) / INTERVALS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => tidy((first + at) * step));
}

/** 1, 2 and 5 times each power of ten; those alone over many. */
function logTicks(least: number, most: number): number[] {
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const factors = last - first > MANY_DECADES ? [1] : [1, 2, 5];
  const all = Array.from({ length: last - first + 1 }, (_, at) =>
    factors.map((factor) => tidy(factor * 10 ** (first + at))),
  ).flat();
  const from = all.findLastIndex((tick) => tick <= least);
  const to = all.findIndex((tick) => tick >= most && tick > least);
  return all.slice(Math.max(0, from), to < 0 ? undefined : to + 1);
}

/** Without the digits that multiplication adds. */
const tidy = (value: number): number => Number(value.toPrecision(12));

const tickLabel = (value: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: 6 });
