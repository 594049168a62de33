/** Words for places, times, weather and moods, and what each says of the controls. */
import type { ControlName } from "./controls.ts";

type Setting = number | `#${string}`;
export type Settings = Readonly<Partial<Record<ControlName, Setting>>>;

/** What a word says, and what goes along with it as long as no other word says otherwise. */
export interface Meaning {
  readonly says: Settings;
  readonly implies: Settings;
}

type Row = readonly [words: string, says: Settings, implies?: Settings];

const PLACES: readonly Row[] = [
  [
    "landscape scenery nature countryside vista view panorama",
    {},
    { mountains: 0.55, water: 0.45, forest: 0.3, clouds: 0.4, blossoms: 0.15 },
  ],
  [
    "mountain peak summit alps alpine himalaya sierra cliff crag ridge",
    { mountains: 1 },
    { snow: 0 },
  ],
  ["hill highland upland moor heath", { mountains: 0.45 }],
  ["valley canyon gorge fjord", { mountains: 0.9 }, { fog: 0.25 }],
  ["plain prairie savanna savannah steppe flat", { mountains: 0.08, water: 0, land: "#a08c40" }],
  [
    "volcano lava magma eruption",
    { mountains: 0.9, accent: "#ff4810", land: "#281c1c" },
    { water: 0.2, fog: 0.3, horizon: "#c85030", zenith: "#301820" },
  ],
  [
    "forest wood woodland jungle rainforest taiga grove",
    { forest: 1 },
    { water: 0, mountains: 0.25, land: "#24401c" },
  ],
  ["tree pine fir spruce oak birch conifer", { forest: 0.75 }, { water: 0.1 }],
  [
    "park garden orchard vineyard",
    { forest: 0.4, blossoms: 0.6, water: 0.15 },
    { mountains: 0.15 },
  ],
  [
    "meadow field grass lawn pasture farm",
    { land: "#5c8c2c", water: 0 },
    { blossoms: 0.35, forest: 0.1, mountains: 0.25 },
  ],
  [
    "flower blossom wildflower tulip poppy daisy sunflower bloom petal bouquet",
    { blossoms: 1, water: 0 },
    { accent: "#f05880", land: "#4c8c30" },
  ],
  ["cherry sakura", { blossoms: 0.9, accent: "#ffb0d0" }, { horizon: "#f8dce4" }],
  [
    "desert sahara gobi",
    { dunes: 1, water: 0, forest: 0, land: "#d09850" },
    { clouds: 0.1, mountains: 0.2, fog: 0.08, blossoms: 0 },
  ],
  ["dune sand sandy", { dunes: 0.9, land: "#d8a868" }, { water: 0.1, forest: 0 }],
  [
    "mars martian",
    { dunes: 0.8, land: "#a84c28", water: 0, forest: 0 },
    { horizon: "#e0a078", zenith: "#906048", clouds: 0.1 },
  ],
  ["oasis", { dunes: 0.7, water: 0.5, forest: 0.3 }],
  [
    "sea ocean water seascape atlantic pacific mediterranean",
    { water: 1 },
    { mountains: 0.06, forest: 0, city: 0 },
  ],
  ["lake pond lagoon reservoir loch", { water: 0.85 }, { turbulence: 0.12, mountains: 0.65 }],
  ["river stream creek brook waterfall swamp marsh", { water: 0.55 }, { forest: 0.5 }],
  [
    "beach coast shore seaside bay island isle atoll",
    { water: 0.75, land: "#e0c890" },
    { mountains: 0.15, forest: 0 },
  ],
  [
    "tropical caribbean hawaii tropics",
    { sea: "#18b8b8", warmth: 0.25, saturation: 1.25 },
    { water: 0.7 },
  ],
  ["wave surf swell tide", { turbulence: 0.8, water: 0.9 }],
  ["reflection mirror calm still glassy", { turbulence: 0.03 }, { water: 0.7 }],
  [
    "underwater undersea submarine deep abyss diving aquarium",
    { underwater: 1 },
    { accent: "#ff7a68", land: "#c89070", sea: "#0c5c88" },
  ],
  [
    "coral reef anemone kelp seaweed",
    { underwater: 1, detail: 0.8 },
    { accent: "#ff6a70", land: "#d88a4c", sea: "#1080a8", horizon: "#98e8e0" },
  ],
  [
    "fish jellyfish whale dolphin turtle shark octopus",
    { underwater: 0.95 },
    { accent: "#ffb050", sea: "#0c6898" },
  ],
  ["atlantis mermaid", { underwater: 1, city: 0.4 }, { sea: "#107090" }],
  [
    "city town metropolis downtown skyline skyscraper urban building tower manhattan tokyo york london shanghai chicago",
    { city: 1 },
    { mountains: 0.05, forest: 0, water: 0.25, land: "#303438", blossoms: 0 },
  ],
  [
    "street road avenue alley traffic",
    { city: 0.9, water: 0 },
    { mountains: 0, forest: 0, land: "#282b30" },
  ],
  [
    "village hamlet house cottage suburb castle harbour harbor port",
    { city: 0.35 },
    { mountains: 0.5 },
  ],
  [
    "cyberpunk neon futuristic",
    { city: 1, night: 0.9, accent: "#ff30b8", saturation: 1.4 },
    { zenith: "#100828", horizon: "#582878", rain: 0.3, water: 0.4, mountains: 0, forest: 0 },
  ],
  [
    "space galaxy cosmos cosmic universe nebula milky astronomy planet outer",
    { stars: 1, night: 1 },
    {
      zenith: "#06040f",
      horizon: "#38205c",
      clouds: 0.45,
      accent: "#c080ff",
      water: 0.2,
      forest: 0,
    },
  ],
  [
    "arctic antarctica polar tundra glacier iceberg greenland",
    { land: "#e4eef4", snow: 0.3, warmth: -0.4 },
    { mountains: 0.6, forest: 0, sea: "#4890a8", horizon: "#d0e4f0" },
  ],
  ["iceland norway scandinavia lapland finland", { mountains: 0.7, warmth: -0.2 }, { water: 0.5 }],
  [
    "alien otherworldly fantasy magical mystical enchanted fairy",
    { saturation: 1.3 },
    { aurora: 0.35, accent: "#b070ff", stars: 0.3 },
  ],
];

const TIMES: readonly Row[] = [
  [
    "sunrise dawn daybreak morning",
    { sun: 0.1 },
    { zenith: "#5078b8", horizon: "#ffc898", accent: "#ffd090", warmth: 0.2, fog: 0.3 },
  ],
  [
    "sunset sundown evening",
    { sun: 0.06 },
    { zenith: "#3c3470", horizon: "#ff8844", accent: "#ffb050", warmth: 0.35 },
  ],
  [
    "dusk twilight gloaming nightfall",
    { sun: -0.12, night: 0.5 },
    { zenith: "#1c2458", horizon: "#c06880", stars: 0.3 },
  ],
  [
    "day daytime daylight noon midday afternoon",
    { night: 0 },
    { sun: 0.75, zenith: "#2468c8", horizon: "#c8e0f0" },
  ],
  [
    "night nighttime midnight nocturnal",
    { night: 1 },
    { sun: 0.6, zenith: "#060a20", horizon: "#1c2c50", stars: 0.6, clouds: 0.25 },
  ],
  [
    "moon moonlight moonlit lunar moonrise",
    { night: 0.95, sun: 0.6 },
    { zenith: "#0a1230", horizon: "#304870", stars: 0.5, accent: "#e8ecff" },
  ],
  [
    "star starry starlight constellation stargazing",
    { stars: 1, night: 0.9 },
    { zenith: "#050818", horizon: "#182848", clouds: 0.08 },
  ],
  [
    "aurora borealis northernlights polarlight",
    { aurora: 1, night: 1 },
    { zenith: "#040c24", horizon: "#10304c", stars: 0.6, accent: "#30f0a0", clouds: 0, sun: -0.3 },
  ],
  ["golden-hour goldenhour", { sun: 0.15, warmth: 0.6 }, { horizon: "#ffc878", accent: "#ffc060" }],
  ["spring springtime", { land: "#68a838", blossoms: 0.5 }, { saturation: 1.15 }],
  ["summer", { land: "#589028" }, { sun: 0.7, clouds: 0.25, saturation: 1.2 }],
  [
    "autumn fall october november",
    { land: "#b0622a", accent: "#f0902c", warmth: 0.3 },
    { forest: 0.6, fog: 0.2 },
  ],
  [
    "winter wintry december january",
    { snow: 0.6, land: "#e0e8f0", warmth: -0.25 },
    { horizon: "#dce4ec", zenith: "#7890b0" },
  ],
  ["christmas", { snow: 0.7, forest: 0.7 }, { land: "#e8eef4", night: 0.7 }],
];

const WEATHER: readonly Row[] = [
  ["sun sunshine sunlight sunbeam", { night: 0 }, { sun: 0.55, clouds: 0.2 }],
  ["clear cloudless fair bright", { clouds: 0.03, fog: 0.02 }],
  ["cloud overcast cumulus", { clouds: 0.9 }, { sun: 0.6 }],
  [
    "storm thunder thunderstorm tempest hurricane typhoon lightning",
    { clouds: 1, turbulence: 0.9, rain: 0.7, speed: 1.7 },
    { zenith: "#283040", horizon: "#687480", sun: 0.3 },
  ],
  [
    "rain drizzle shower downpour monsoon wet",
    { rain: 0.85 },
    { clouds: 0.85, zenith: "#485464", horizon: "#8c98a4", stars: 0 },
  ],
  [
    "snow snowfall blizzard snowstorm",
    { snow: 1 },
    { land: "#e6ecf2", clouds: 0.7, horizon: "#d8e0e8", zenith: "#8090a8", stars: 0 },
  ],
  [
    "ice frozen freezing frost icy",
    { turbulence: 0.04, land: "#dce8f0" },
    { sea: "#a0c8d8", warmth: -0.3, snow: 0.15 },
  ],
  ["cold chilly cool", { warmth: -0.5 }],
  ["hot heat warm scorching", { warmth: 0.55 }],
  ["fog mist haze hazy smoke steam foggy misty", { fog: 0.85 }, { sun: 0.3, contrast: 0.85 }],
  ["wind windy breeze gust", { speed: 1.6, turbulence: 0.65 }],
  [
    "fire flame burning inferno ember",
    { accent: "#ff6010", horizon: "#ff7830", warmth: 0.8 },
    { zenith: "#38140c", land: "#301810", turbulence: 0.7 },
  ],
  ["rainbow", { saturation: 1.6 }, { rain: 0.2, clouds: 0.4 }],
];

const LOOKS: readonly Row[] = [
  [
    "abstract painting paint fluid liquid swirl marble fractal pattern acrylic ink splash",
    { abstract: 1 },
  ],
  ["watercolor watercolour pastel aquarelle", { saturation: 0.75, contrast: 0.75, detail: 0.3 }],
  [
    "oil brush impasto canvas gogh impressionist impressionism monet",
    { turbulence: 0.7, saturation: 1.3, detail: 0.9 },
  ],
  [
    "psychedelic trippy hallucination surreal dream dreamy dreamlike dreamscape",
    { saturation: 1.5, turbulence: 0.7 },
    { abstract: 0.25 },
  ],
  [
    "beautiful gorgeous stunning breathtaking epic majestic scenic idyllic spectacular",
    { saturation: 1.2 },
    { contrast: 1.1 },
  ],
  ["vivid colorful colourful vibrant saturated lush", { saturation: 1.5 }],
  ["muted faded desaturated dull bleak pale", { saturation: 0.5 }],
  ["monochrome noir grayscale", { saturation: 0, contrast: 1.25 }],
  ["vintage retro nostalgic old antique", { saturation: 0.65, warmth: 0.5, contrast: 0.85 }],
  [
    "dark gloomy moody dim shadowy somber ominous",
    { contrast: 1.2 },
    {
      zenith: "#182028",
      horizon: "#606c74",
      land: "#141c14",
      night: 0.3,
      saturation: 0.7,
      sun: 0.2,
    },
  ],
  [
    "spooky scary horror haunted creepy halloween gothic",
    { night: 0.8, fog: 0.6 },
    { zenith: "#140c1c", horizon: "#503858", accent: "#ff9030" },
  ],
  ["light airy luminous glowing radiant", { contrast: 0.9 }, { night: 0 }],
  ["dramatic cinematic intense contrasty", { contrast: 1.4 }, { clouds: 0.7 }],
  [
    "soft gentle peaceful serene tranquil quiet zen relaxing",
    { contrast: 0.85, turbulence: 0.08, speed: 0.6 },
  ],
  ["wild rough raging furious chaotic turbulent", { turbulence: 1, speed: 1.6 }],
  ["slow lazy sleepy", { speed: 0.4 }],
  ["fast quick rapid racing", { speed: 2.2 }],
  ["frozen-time static motionless", { speed: 0 }],
  ["detailed intricate realistic photorealistic hd sharp complex ornate", { detail: 1 }],
  ["simple minimal minimalist clean smooth blurry", { detail: 0.08, turbulence: 0.1 }],
  ["romantic love", { warmth: 0.4, accent: "#ff7898" }, { horizon: "#ffb0a8", sun: 0.1 }],
  ["happy joyful cheerful", { saturation: 1.35, warmth: 0.25 }, { sun: 0.6 }],
  ["sad melancholy lonely", { saturation: 0.5, warmth: -0.3 }, { rain: 0.4, clouds: 0.7 }],
  [
    "anime ghibli cartoon manga",
    { saturation: 1.35, detail: 0.35, clouds: 0.6 },
    { zenith: "#2070e0", land: "#58a838" },
  ],
  [
    "synthwave vaporwave outrun",
    { zenith: "#281058", horizon: "#ff5098", accent: "#ffb048", sun: 0.12, saturation: 1.5 },
    { mountains: 0.6, water: 0.6 },
  ],
];

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
