/** Generates the textures stored in graphs: noise, dots and outlines. Integer hashes give the same bytes on every machine. */

/** Texels along a side; a field repeats beyond. */
export const SIDE = 256;

/** A pseudo-random number from 0 to 1 for two integers and a salt. */
function random(x: number, y: number, salt: number): number {
  let hash = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(salt, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

const ease = (t: number): number => t * t * (3 - 2 * t);
const mix = (from: number, to: number, share: number): number => from + (to - from) * share;

/** Noise of five octaves, 0 to 1 around 0.5, row by row; one more row and column than SIDE, so that it repeats. */
export function noiseField(salt: number): number[] {
  const sum = new Array<number>((SIDE + 1) ** 2).fill(0.5);
  for (let octave = 0; octave < 5; octave++) {
    addLumps(sum, 8 << octave, 0.85 * 0.5 ** octave, salt + octave);
  }
  return sum.map((each) => Math.min(1, Math.max(0, each)));
}

/** Adds smooth noise with `lumps` random heights per side and an amplitude of half of `strength`. */
function addLumps(sum: number[], lumps: number, strength: number, salt: number): void {
  const heights = Array.from({ length: lumps * lumps }, (_, at) =>
    random(at % lumps, Math.floor(at / lumps), salt),
  );
  // The position of each texel between two heights, the same for columns and rows.
  const places = Array.from({ length: SIDE + 1 }, (_, texel) => {
    const at = (texel / SIDE) * lumps;
    const first = Math.floor(at);
    return { from: first % lumps, to: (first + 1) % lumps, share: ease(at - first) };
  });
  // Interpolated across once for each row of heights, not for each row of texels.
  const rows = Array.from({ length: lumps }, (_, y) =>
    places.map(({ from, to, share }) =>
      mix(heights[y * lumps + from] ?? 0, heights[y * lumps + to] ?? 0, share),
    ),
  );
  for (const [y, { from, to, share }] of places.entries()) {
    const [above = [], below = []] = [rows[from], rows[to]];
    for (let x = 0; x <= SIDE; x++) {
      const at = y * (SIDE + 1) + x;
      const height = mix(above[x] ?? 0, below[x] ?? 0, share);
      sum[at] = (sum[at] ?? 0) + (height - 0.5) * strength;
    }
  }
}

/** The same noise as hills lit from the upper left: 0.5 is level ground, slopes towards the light are lighter. */
export function reliefField(salt: number): number[] {
  const heights = noiseField(salt);
  const at = (x: number, y: number): number => heights[(y % SIDE) * (SIDE + 1) + (x % SIDE)] ?? 0;
  return field(SIDE + 1, (x, y) => {
    const slope = at(x + 1, y) - at(x + SIDE - 1, y) + 0.7 * (at(x, y + 1) - at(x, y + SIDE - 1));
    return Math.min(1, Math.max(0, 0.5 + slope * 2.6));
  });
}

/** Single bright texels on black, one in 170, of random brightness. */
export const starField = (): number[] =>
  field(SIDE, (x, y) => (random(x, y, 77) < 0.006 ? 0.25 + 0.75 * random(x, y, 78) ** 2 : 0));

/** Soft round dots of one to three texels, in two of five cells of 16 × 16 texels. */
export function dotField(): number[] {
  return field(SIDE, (x, y) => {
    const [cx, cy] = [x >> 4, y >> 4];
    if (random(cx, cy, 31) > 0.4) return 0;
    const dx = (x & 15) - 3 - 9 * random(cx, cy, 32);
    const dy = (y & 15) - 3 - 9 * random(cx, cy, 33);
    return Math.max(0, 1 - (dx * dx + dy * dy) / (2 + 7 * random(cx, cy, 34) ** 2));
  });
}

/** Vertical streaks that fade upwards, in about every third column. */
export function streakField(): number[] {
  return field(SIDE, (x, y) => {
    if (random(x, 0, 51) > 0.3) return 0;
    const along = (y / SIDE + random(x, 0, 52)) % 1;
    return along < 0.35 ? (along / 0.35) ** 2 * (0.4 + 0.6 * random(x, 0, 53)) : 0;
  });
}

/** Independent random numbers from 0 to 1. */
export const randomRow = (salt: number): number[] =>
  Array.from({ length: SIDE }, (_, x) => random(x, 0, salt));

/** Outline of a skyline, 0 to 1: flat roofs, some with a step or a mast. */
export function skyline(salt: number): number[] {
  const row: number[] = [];
  for (let house = 0; row.length < SIDE; house++) {
    const width = 5 + Math.floor(9 * random(house, 1, salt));
    const height = 0.25 + 0.75 * random(house, 2, salt) ** 1.6;
    const inset = random(house, 3, salt) > 0.6 ? 2 : 0;
    const mast = random(house, 4, salt) > 0.75 ? Math.floor(width / 2) : -1;
    for (let x = 0; x < width; x++) {
      const inner = x >= inset && x < width - inset;
      row.push(Math.min(1, x === mast ? height + 0.14 : inner ? height : height * 0.86));
    }
    if (random(house, 5, salt) > 0.7) row.push(0.12);
  }
  return row.slice(0, SIDE);
}

/** Outline of a row of conifers, 0 to 1: narrow trees with tiers of branches. */
export const treeline = (salt: number): number[] =>
  standing(40, salt, conifer).map(({ top }) => top);

function conifer(distance: number, tree: number, salt: number): number {
  const slim = 4 + 3 * random(tree, 2, salt);
  const height = 0.4 + 0.6 * random(tree, 3, salt);
  const tier = ((distance * 1.3) % 1) * 0.07;
  return distance < slim ? height * (1 - distance / slim) ** 0.85 + tier : 0;
}

/** Outline of corals, 0 to 1, and at every place the hue (0 to 1) of the highest coral. */
export function reef(salt: number): { readonly tops: number[]; readonly hues: number[] } {
  const corals = standing(30, salt, coral);
  return {
    tops: corals.map(({ top }) => top),
    hues: corals.map(({ index }) => random(index, 5, salt)),
  };
}

/** A coral: a dome, or a fan of fingers. */
function coral(distance: number, index: number, salt: number): number {
  const wide = 4 + 8 * random(index, 2, salt);
  const height = 0.3 + 0.7 * random(index, 3, salt);
  const dome = Math.sqrt(Math.max(0, 1 - (distance / wide) ** 2));
  const fingers = random(index, 4, salt) > 0.45 && Math.round(distance / 1.5) & 1 ? 0.6 : 1;
  return height * dome * fingers;
}

/** The highest of `count` shapes at every place, and its index. */
function standing(
  count: number,
  salt: number,
  shape: (distance: number, index: number, salt: number) => number,
): { top: number; index: number }[] {
  return Array.from({ length: SIDE }, (_, x) => {
    let highest = { top: 0, index: 0 };
    for (let index = 0; index < count; index++) {
      const away = Math.abs(x - ((index + random(index, 1, salt)) / count) * SIDE);
      const top = shape(Math.min(away, SIDE - away), index, salt);
      if (top > highest.top) highest = { top, index };
    }
    return highest;
  });
}

function field(side: number, at: (x: number, y: number) => number): number[] {
  return Array.from({ length: side * side }, (_, index) =>
    at((index % side) % SIDE, Math.floor(index / side) % SIDE),
  );
}
