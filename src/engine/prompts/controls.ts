/** Defines the named controls that prompts are encoded as, and their places in the vector that models read. */

/** One control: a number, or a colour of three (red, green, blue, each 0 to 1). */
interface Control {
  readonly size: 1 | 3;
  readonly min: number;
  readonly max: number;
  readonly default: number | readonly [number, number, number];
  readonly meaning: string;
}

const number = (start: number, meaning: string, min = 0, max = 1): Control => ({
  size: 1,
  min,
  max,
  default: start,
  meaning,
});

const colour = (start: readonly [number, number, number], meaning: string): Control => ({
  size: 3,
  min: 0,
  max: 1,
  default: start,
  meaning,
});

/** In the order of the vector. The defaults are the picture without any prompt: hills by a lake on a fair day. */
export const CONTROLS = {
  zenith: colour([0.16, 0.4, 0.78], "colour of the sky above; the darkest stop of a palette"),
  horizon: colour([0.85, 0.84, 0.76], "colour of the sky at the horizon; the palest stop"),
  land: colour([0.3, 0.44, 0.18], "colour of ground and hills"),
  sea: colour([0.13, 0.36, 0.46], "colour of water"),
  accent: colour([1, 0.8, 0.5], "colour of what shines: sun, lamps, blossoms, northern lights"),
  sun: number(0.5, "height of the sun or moon; 0 stands on the horizon", -0.3, 1),
  night: number(0, "1 is night: a moon, and what is not lit is dark"),
  clouds: number(0.4, "how much of the sky clouds cover"),
  stars: number(0, "how many stars are seen"),
  aurora: number(0, "northern lights"),
  mountains: number(0.45, "height of the mountains"),
  forest: number(0.2, "how densely trees stand"),
  city: number(0, "how densely houses stand"),
  water: number(0.4, "how much of the ground is water that mirrors"),
  dunes: number(0, "sand in waves"),
  blossoms: number(0, "dots of the accent colour on the ground"),
  underwater: number(0, "1 is below the surface of a sea"),
  abstract: number(0, "1 is no landscape but flowing paint"),
  fog: number(0.1, "how soon distance fades"),
  rain: number(0, "rain, and ground that is wet"),
  snow: number(0, "snow that falls and snow that lies"),
  warmth: number(0, "light bluer or more golden", -1, 1),
  saturation: number(1, "0 is grey", 0, 2),
  contrast: number(1, "distance of light from dark", 0.4, 1.6),
  turbulence: number(0.3, "how restless clouds, water and paint are"),
  detail: number(0.5, "how much small structure there is"),
  speed: number(1, "how fast it all moves; `motion` is its sum over time", 0, 3),
  palette: number(0, "how far the colours are the prompt's own; 0 where it names none"),
  variation: number(0, "which of many alike pictures: unknown words choose it"),
} as const satisfies Record<string, Control>;

export type ControlName = keyof typeof CONTROLS;

/** Offsets of the controls in the vector; `motion` is its last element. */
export const OFFSETS: Readonly<Record<ControlName | "motion", number>> = place();

/** `motion` runs from 0 to this and starts again: pictures must be periodic in it. */
export const MOTION_PERIOD = 1024;

/** Elements of the vector. */
export const VECTOR_LENGTH = OFFSETS.motion + 1;

export const CONTROL_NAMES = Object.keys(CONTROLS) as ControlName[];

/** A view of one control in the vector: one element, or three for a colour. */
export const control = (vector: Float32Array, name: ControlName): Float32Array =>
  vector.subarray(OFFSETS[name], OFFSETS[name] + CONTROLS[name].size);

/** A new vector with all controls at their defaults and `motion` 0. */
export function defaultControls(): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(VECTOR_LENGTH);
  for (const name of CONTROL_NAMES) control(vector, name).set([CONTROLS[name].default].flat());
  return vector;
}

/** Brings every control into its range. */
export function clampControls(vector: Float32Array): void {
  for (const name of CONTROL_NAMES) {
    const { min, max } = CONTROLS[name];
    const values = control(vector, name);
    values.set(values.map((each) => Math.min(max, Math.max(min, each))));
  }
}

function place(): Record<ControlName | "motion", number> {
  const offsets: Record<string, number> = {};
  let at = 0;
  for (const [name, { size }] of Object.entries(CONTROLS)) {
    offsets[name] = at;
    at += size;
  }
  return { ...offsets, motion: at } as Record<ControlName | "motion", number>; // every key was set
}
