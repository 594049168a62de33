/** Lists the words for styles, moods and pace. */
import type { Row } from "./word-table.ts";

export const LOOKS: readonly Row[] = [
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
