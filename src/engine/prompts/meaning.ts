/** What words mean to a picture: the tables together, and words that join, deny or say nothing. */
import type { ControlName } from "./controls.ts";
import { LOOKS } from "./look-words.ts";
import { PLACES } from "./place-words.ts";
import { TIMES, WEATHER } from "./weather-words.ts";

type Setting = number | `#${string}`;
export type Settings = Readonly<Partial<Record<ControlName, Setting>>>;

/** What a word says, and what goes along with it as long as no other word says otherwise. */
export interface Meaning {
  readonly says: Settings;
  readonly implies: Settings;
}

/** Words of one meaning, with spaces between; a colour is written `#rrggbb`. */
export type Row = readonly [words: string, says: Settings, implies?: Settings];

export const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  [...PLACES, ...TIMES, ...WEATHER, ...LOOKS].flatMap(([words, says, implies = {}]) =>
    words.split(" ").map((word) => [word, { says, implies }] as const),
  ),
);

/** Two words that mean another than each alone. */
export const PHRASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "northern lights": "aurora",
    "southern lights": "aurora",
    "polar lights": "aurora",
    "golden hour": "goldenhour",
    "blue hour": "dusk",
    "milky way": "galaxy",
    "black white": "monochrome",
    "van gogh": "gogh",
    "new york": "york",
    "deep sea": "underwater",
    "coral reef": "reef",
    "oil painting": "oil",
  }),
);

/** Words that say nothing of a picture. */
export const SILENT: ReadonlySet<string> = new Set(
  `a an and are as at be behind by each for from full has in into is it its lots many more most near of off on or out
   over picture photo photograph image scene style some such than that the their there these this to under up very view
   was which while with within big small large great high low quality best masterpiece drawn digital art artwork`
    .trim()
    .split(/\s+/),
);

/** The next word is not wanted. */
export const NEGATIONS: ReadonlySet<string> = new Set(["no", "not", "without", "never"]);
