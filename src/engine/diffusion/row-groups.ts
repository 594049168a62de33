/** Groups rows of a denoiser's batch into runs of the network. */
import type { Tensor } from "../models/tensor.ts";
import type { ControlDepths, ControlNet } from "./networks/control-net.ts";
import type { Conditioning } from "./text/conditioning.ts";

/** One latent that a denoiser evaluates. */
export interface DenoiserRow {
  /** Scaled for the network: `[channels, height, width]`. */
  readonly sample: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly timestep: number;
  readonly conditioning: Conditioning;
  /** SDXL's `time_ids`; networks without that input ignore them. */
  readonly sizes: PictureSizes;
  /** The ControlNets at work on it, whose residuals are added up. */
  readonly controls: readonly RowControl[];
}

/** SDXL's `time_ids`: the sizes of a picture as in training, its corner after cropping, and those to be drawn. */
export type PictureSizes = readonly [
  height: number,
  width: number,
  cropTop: number,
  cropLeft: number,
  targetHeight: number,
  targetWidth: number,
];

/** A ControlNet at work on a row. */
export interface RowControl {
  readonly net: Pick<ControlNet, "residuals" | "takesTimestepPerRow">;
  /** `[1, 3, height, width]` in pixels: what the network follows, as it takes it. */
  readonly hint: Tensor;
  readonly strength: number;
  readonly depths: ControlDepths;
}

/** What a denoiser takes in one run. */
export interface RunLimits {
  /** The number of rows that every run must have; null: any. */
  readonly fixedRows: number | null;
  /** The rows of a run may be at timesteps of their own. */
  readonly takesTimestepPerRow: boolean;
}

/** As in ComfyUI, prompts are repeated at most this often to be as long as others of the run. */
const MAX_REPEATS = 4;
/** Of all latents of a run: four pictures of 1024x1024. */
const MAX_PLACES = 2 ** 16;

/**
 * Places of rows that share a run: they are equally large, the same ControlNets steer them as strongly, their prompts have
 * a common length that is not much longer, and they are at one timestep where the networks take no more.
 */
export function rowGroups(rows: readonly DenoiserRow[], limits: RunLimits): number[][] {
  const groups: { readonly rows: DenoiserRow[]; readonly places: number[] }[] = [];
  for (const [place, row] of rows.entries()) {
    const open = groups.find((group) => fits(row, group.rows, limits));
    if (open === undefined) groups.push({ rows: [row], places: [place] });
    else {
      open.rows.push(row);
      open.places.push(place);
    }
  }
  return groups.map(({ places }) => places);
}

function fits(row: DenoiserRow, rows: readonly DenoiserRow[], limits: RunLimits): boolean {
  const [first] = rows;
  if (first === undefined) return true;
  const { height, width, timestep, controls } = row;
  const count = rows.length + 1;
  return (
    count <= (limits.fixedRows ?? count) &&
    first.height === height &&
    first.width === width &&
    count * height * width <= MAX_PLACES &&
    steersAlike(first.controls, controls) &&
    (first.timestep === timestep || takesTimesteps(limits, controls)) &&
    areClose([...rows, row])
  );
}

const steersAlike = (one: readonly RowControl[], other: readonly RowControl[]): boolean =>
  one.length === other.length &&
  one.every(({ net, strength, depths }, at) => {
    const its = other[at];
    return its?.net === net && its.strength === strength && its.depths === depths;
  });

const takesTimesteps = (limits: RunLimits, controls: readonly RowControl[]): boolean =>
  limits.takesTimestepPerRow && controls.every(({ net }) => net.takesTimestepPerRow);

function areClose(rows: readonly DenoiserRow[]): boolean {
  const counts = rows.map(({ conditioning }) => conditioning.tokens);
  return commonTokens(counts) / Math.min(...counts) <= MAX_REPEATS;
}

/** The number of tokens that prompts of these lengths have when each is repeated: their least common multiple. */
export const commonTokens = (counts: readonly number[]): number => counts.reduce(commonMultiple, 1);

function commonMultiple(a: number, b: number): number {
  let [large, small] = [a, b];
  while (small > 0) [large, small] = [small, large % small];
  return (a / large) * b;
}
