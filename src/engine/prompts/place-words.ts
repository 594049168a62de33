/** Lists the words for places and what stands there. */
import type { Row } from "./word-table.ts";

export const PLACES: readonly Row[] = [
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
