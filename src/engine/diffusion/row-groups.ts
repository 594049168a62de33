/** Groups rows of a denoiser's batch into runs of the network. */
import type { ControlPicture } from "./control-picture.ts";
import type { Conditioning } from "./text/conditioning.ts";

/** One row of a denoiser's batch. */
export interface DenoiserRow {
  /** Scaled for the network; as large as one latent. */
  readonly sample: Float32Array;
  readonly timestep: number;
  readonly conditioning: Conditioning;
  /** What the ControlNet follows; null and absent: it does not run. */
  readonly control?: ControlPicture | null;
}

/** What a network takes in one run. */
export interface RunLimits {
  /** The number of rows that every run must have; null: any. */
  readonly fixedRows: number | null;
  /** The rows of a run may be at timesteps of their own. */
  readonly takesTimestepPerRow: boolean;
}

/** The limits of a run that both networks take part in. */
export const bothLimits = (a: RunLimits, b: RunLimits | null): RunLimits =>
  b === null
    ? a
    : {
        fixedRows:
          a.fixedRows === null || b.fixedRows === null
            ? (a.fixedRows ?? b.fixedRows)
            : Math.min(a.fixedRows, b.fixedRows),
        takesTimestepPerRow: a.takesTimestepPerRow && b.takesTimestepPerRow,
      };

/**
 * Places of rows that share a run: their prompts are equally long, they are steered as strongly, and they are at one
 * timestep where the networks take no more.
 *
 * @param limitsOf of the networks that run for a row
 */
export function rowGroups(
  rows: readonly DenoiserRow[],
  limitsOf: (row: DenoiserRow) => RunLimits,
): number[][] {
  const groups: { readonly first: DenoiserRow; readonly places: number[] }[] = [];
  for (const [place, row] of rows.entries()) {
    const { fixedRows, takesTimestepPerRow } = limitsOf(row);
    const open = groups.find(
      ({ first, places }) =>
        places.length < (fixedRows ?? rows.length) &&
        first.conditioning.tokens === row.conditioning.tokens &&
        first.control?.strength === row.control?.strength &&
        (takesTimestepPerRow || first.timestep === row.timestep),
    );
    if (open === undefined) groups.push({ first: row, places: [place] });
    else open.places.push(place);
  }
  return groups.map(({ places }) => places);
}
