/** Draws line charts as SVG files that are readable on a light and on a dark page. */
import { type Axis, type Layout, layOut } from "./axis.ts";

export type Point = readonly [x: number, y: number];

export interface Line {
  readonly name: string;
  /** Shown behind the name in the legend. */
  readonly detail?: string;
  /** From left to right. */
  readonly points: readonly Point[];
  /** Points that are marked. */
  readonly marks: readonly Point[];
  /** Lines of one number have one colour. */
  readonly colour: number;
  /** 1 and more: broken, for what the line of its colour is compared with. */
  readonly dash?: number;
}

export interface Panel {
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

export interface Chart {
  readonly title: string;
  /** What was measured, in a sentence. */
  readonly subtitle: string;
  readonly panels: readonly Panel[];
}

const WIDTH = 880;
const EDGE = 24;
const HEAD = 76;
const GAP = 36;
const PLOT_HEIGHT = 250;
const LEGEND_ROW = 20;
/** Room for the labels left of the plot, and below it. */
const [LEFT, BELOW] = [52, 58];
/** Room for the title of a y axis. */
const AXIS_ROW = 38;

/** Colours for light and dark pages: paper, text, quiet text, grid, and those of lines. */
const LIGHT = ["#ffffff", "#1f2328", "#59636e", "#d8dee4"];
const DARK = ["#0d1117", "#f0f6fc", "#9198a1", "#2a313a"];
const LIGHT_LINES = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#6e7781"];
const DARK_LINES = ["#4493f8", "#f0883e", "#3fb950", "#ab7df8", "#f778ba", "#9198a1"];

const variables = (page: readonly string[], lines: readonly string[]): string =>
  [
    ...["paper", "ink", "quiet", "grid"].map((name, at) => `--${name}: ${page[at]};`),
    ...lines.map((colour, at) => `--line${at}: ${colour};`),
  ].join(" ");

const STYLE = `
svg { ${variables(LIGHT, LIGHT_LINES)} font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg { ${variables(DARK, DARK_LINES)} } }
.paper { fill: var(--paper); } text { fill: var(--ink); } .quiet { fill: var(--quiet); }
.title { font-size: 18px; font-weight: 600; }
.grid { stroke: var(--grid); } .base { stroke: var(--quiet); }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.dash1 { stroke-dasharray: 1 5; } .dash2 { stroke-dasharray: 7 6; } .dash3 { stroke-dasharray: 9 5 1 5; } .mark { stroke: var(--paper); stroke-width: 1.5; }
${LIGHT_LINES.map((_, at) => `.l${at} { stroke: var(--line${at}); } .m${at} { fill: var(--line${at}); }`).join("\n")}
`;

/** A chart of one or more panels, two in a row; throws if a panel has no point. */
export function lineChart({ title, subtitle, panels }: Chart): string {
  const columns = Math.min(2, panels.length);
  const width = (WIDTH - 2 * EDGE - (columns - 1) * GAP) / columns;
  const drawn: string[] = [];
  let height = HEAD;
  for (let first = 0; first < panels.length; first += columns) {
    const row = panels.slice(first, first + columns);
    const legendRows = Math.max(...row.map(({ lines }) => lines.length));
    const plotTop = legendRows * LEGEND_ROW + AXIS_ROW;
    for (const [column, panel] of row.entries()) {
      const parts = [
        ...legend(panel.lines, plotTop - AXIS_ROW),
        ...plot(panel, width, plotTop),
      ].join("\n");
      const x = EDGE + column * (width + GAP);
      drawn.push(`<g transform="translate(${x} ${height})">\n${parts}\n</g>`);
    }
    height += plotTop + PLOT_HEIGHT + BELOW;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(subtitle)}</desc>
<style>${STYLE}</style>
<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>
<text class="title" x="${EDGE}" y="36">${escaped(title)}</text>
<text class="quiet" x="${EDGE}" y="58">${escaped(subtitle)}</text>
${drawn.join("\n")}
</svg>
`;
}

/** Ends at `bottom`, next to its plot. */
function legend(lines: readonly Line[], bottom: number): string[] {
  return lines.map((line, at) => {
    const { name, detail } = line;
    const y = bottom - (lines.length - at) * LEGEND_ROW + 10;
    const more =
      detail === undefined ? "" : `<tspan class="quiet" dx="10">${escaped(detail)}</tspan>`;
    return `<path class="${classOf(line)}" d="M2 ${y}h24"/><text x="36" y="${y + 4}">${escaped(name)}${more}</text>`;
  });
}

function plot({ x, y, lines }: Panel, width: number, top: number): string[] {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) throw new Error(`a plot by ${x.title} has no points`);
  const across = layOut(
    x,
    points.map(([value]) => value),
  );
  const up = layOut(
    y,
    points.map(([, value]) => value),
  );
  const [left, right, bottom] = [LEFT, width - 8, top + PLOT_HEIGHT];
  const xOf = (share: number) => round(left + share * (right - left));
  const yOf = (share: number) => round(bottom - share * PLOT_HEIGHT);
  const at = ([px, py]: Point) => `${xOf(across.place(px))} ${yOf(up.place(py))}`;
  return [
    `<text class="quiet" x="0" y="${top - 16}">${escaped(y.title)}</text>`,
    ...up.ticks.map(
      (tick) =>
        `<path class="grid" d="M${left} ${yOf(tick.at)}H${right}"/><text class="quiet" x="${left - 8}" y="${yOf(tick.at) + 4}" text-anchor="end">${tick.label}</text>`,
    ),
    ...xLabels(across, { xOf, top, bottom }),
    `<path class="base" d="M${left} ${bottom}H${right}"/>`,
    `<text class="quiet" x="${right}" y="${bottom + 40}" text-anchor="end">${escaped(x.title)}</text>`,
    ...lines.map(
      (line) => `<path class="${classOf(line)}" d="M${line.points.map(at).join("L")}"/>`,
    ),
    ...lines.flatMap((line) =>
      line.marks.map((mark) => {
        const [cx, cy] = at(mark).split(" ");
        const radius = line.dash ? 3.5 : 4.5;
        return `<circle class="mark m${colourOf(line)}" cx="${cx}" cy="${cy}" r="${radius}"/>`;
      }),
    ),
  ];
}

/** Grid lines, and the labels for which there is room. */
function xLabels(
  { ticks }: Layout,
  { xOf, top, bottom }: { xOf: (share: number) => number; top: number; bottom: number },
): string[] {
  let free = Number.NEGATIVE_INFINITY;
  return ticks.map((tick) => {
    const x = xOf(tick.at);
    const half = tick.label.length * 4 + 4;
    const fits = x - half >= free;
    if (fits) free = x + half;
    const label = `<text class="quiet" x="${x}" y="${bottom + 20}" text-anchor="middle">${tick.label}</text>`;
    return `<path class="grid" d="M${x} ${top}V${bottom}"/>${fits ? label : ""}`;
  });
}

const colourOf = ({ colour }: Line): number => colour % LIGHT_LINES.length;

const classOf = (line: Line): string =>
  `line l${colourOf(line)}${line.dash ? ` dash${line.dash}` : ""}`;

const round = (value: number): number => Math.round(value * 10) / 10;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
