/** Lists the words for times of day and year, and for weather. */
import type { Row } from "./word-table.ts";

export const TIMES: readonly Row[] = [
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

export const WEATHER: readonly Row[] = [
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
