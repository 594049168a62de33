/** Looks up what a word means: all tables of words together, and the words that join, negate or say nothing. */
import { LOOKS } from "./look-words.ts";
import { PLACES } from "./place-words.ts";
import { TIMES, WEATHER } from "./weather-words.ts";
import type { Meaning } from "./word-table.ts";

export const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  [...PLACES, ...TIMES, ...WEATHER, ...LOOKS].flatMap(([words, sets, suggests = {}]) =>
    words.split(" ").map((word) => [word, { sets, suggests }] as const),
  ),
);

/** Two words that together mean something else, and the one word that has this meaning. */
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

/** Words that say nothing about a picture. */
export const SILENT: ReadonlySet<string> = new Set(
  `a about above across against ahead all along alongside also am amid amidst among an and any are around as at away back
   be before behind being below beneath beside besides between beyond both but by do does down during each every few for
   from front full had has have he her here his how i if in inside into is it its just left lots made make makes many me
   middle more most much my near next of off on once one only onto or other our out outside over own past photo photograph
   picture image scene style seen show shows showing right same she so some somewhere such than that the their them
   then there these they this those three through throughout to together too toward towards two under underneath up upon
   us very view viewed was we were what when where which while who whose why will with within you your big small large
   great high low quality best masterpiece drawn digital art artwork`
    .trim()
    .split(/\s+/),
);

/** The word after one of these is not wanted. */
export const NEGATIONS: ReadonlySet<string> = new Set(["no", "not", "without", "never"]);
