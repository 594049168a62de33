/** Lists the colours by name, and the parts of a picture that a colour before a noun paints. */
import type { ControlName } from "./controls.ts";

export type Rgb = readonly [number, number, number];

/** `#rrggbb` as numbers from 0 to 1. */
export const rgb = (hex: string): Rgb => {
  const bits = Number.parseInt(hex.slice(1), 16);
  return [(bits >> 16) / 255, ((bits >> 8) & 255) / 255, (bits & 255) / 255];
};

export const COLOURS: ReadonlyMap<string, Rgb> = new Map(
  Object.entries({
    red: "#d8232a",
    scarlet: "#f02818",
    crimson: "#a81030",
    burgundy: "#701028",
    ruby: "#c01048",
    maroon: "#601018",
    vermilion: "#e84020",
    orange: "#f58220",
    amber: "#ffb020",
    peach: "#ffc09a",
    apricot: "#ffb070",
    salmon: "#fa8878",
    terracotta: "#c8603c",
    rust: "#a84820",
    copper: "#b87048",
    bronze: "#a07038",
    brown: "#6e4526",
    chocolate: "#4e2c18",
    sepia: "#80603c",
    tan: "#c8a878",
    beige: "#e0d0b0",
    cream: "#f8eccc",
    ivory: "#f8f4e4",
    yellow: "#f8d820",
    lemon: "#f8ec50",
    gold: "#f0b428",
    golden: "#f0b428",
    mustard: "#c8981c",
    ochre: "#c08030",
    lime: "#98d828",
    green: "#2e9e3e",
    olive: "#78803a",
    emerald: "#10a060",
    jade: "#28a878",
    mint: "#98e8c0",
    sage: "#98a880",
    teal: "#108888",
    turquoise: "#28c8c0",
    aqua: "#38d0d8",
    cyan: "#20c8e8",
    azure: "#2890f0",
    blue: "#2058d0",
    navy: "#101c58",
    cobalt: "#1840b0",
    sapphire: "#1838a8",
    indigo: "#382890",
    violet: "#7838c8",
    purple: "#7828a0",
    lavender: "#b8a0e8",
    lilac: "#c8a0d8",
    mauve: "#b890b0",
    magenta: "#e020a8",
    fuchsia: "#e82888",
    pink: "#f58ab8",
    rose: "#e85880",
    white: "#f6f6f8",
    silver: "#c0c8d0",
    grey: "#80848a",
    gray: "#80848a",
    charcoal: "#30343a",
    black: "#08090c",
  }).map(([name, hex]) => [name, rgb(hex)]),
);

/** The parts of the picture that a noun stands for: `a red sky`, `green hills`. */
export const PAINTED: ReadonlyMap<string, readonly ControlName[]> = new Map(
  (
    [
      ["sky cloud heaven horizon atmosphere", ["zenith", "horizon"]],
      ["sea ocean water lake river pond lagoon wave bay", ["sea"]],
      ["hill mountain ground land grass field meadow forest tree sand desert earth rock", ["land"]],
      ["flower light lamp sun moon aurora star blossom coral fish glow neon fire", ["accent"]],
    ] as const
  ).flatMap(([words, parts]) => words.split(" ").map((word) => [word, parts] as const)),
);
