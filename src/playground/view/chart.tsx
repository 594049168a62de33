/** A line chart over time, newest at the right; screen readers get the last value. */
export interface Line {
  readonly kind: "main" | "soft" | "faint";
  /** One a second; null is a gap. */
  readonly values: readonly (number | null)[];
}

const WIDTH = 240;
const HEIGHT = 44;
/** Seconds that the chart covers at least, so that the first values do not fill its width. */
const MIN_SPAN = 30;

export function Chart({ label, lines }: { label: string; lines: readonly Line[] }) {
  const top = Math.max(1, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const last = lines.at(-1)?.values.at(-1);
  return (
    <svg
      class="chart"
      viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}, now ${last ?? "unknown"}, at most ${Math.round(top)}`}
    >
      {lines.map(({ kind, values }) => (
        <path key={kind} class={kind} d={pathOf(values, top * 1.1)} />
      ))}
      <path class="base" d={`M0 ${HEIGHT}H${WIDTH}`} />
    </svg>
  );
}

/** SVG path of one line; a gap lifts the pen. */
function pathOf(values: readonly (number | null)[], top: number): string {
  const step = WIDTH / (Math.max(MIN_SPAN, values.length) - 1);
  let pen = "M";
  return values
    .map((value, index) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const x = WIDTH - (values.length - 1 - index) * step;
      const point = `${pen}${x.toFixed(1)} ${(HEIGHT * (1 - value / top)).toFixed(1)}`;
      pen = "L";
      return point;
    })
    .join("");
}
