/** Types the cases of diffusers' pipelines in the reference data: the arguments that they were run with. */
import type { GoldenCase } from "./golden.ts";

/** What diffusers was run with, as the sets' README explains it. */
export interface DiffusersCase extends GoldenCase {
  readonly kind?: "t2i" | "i2i";
  readonly models?: "tiny-sd" | "tiny-taesd";
  readonly scheduler: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly prompt: string;
  readonly negative_prompt: string | null;
  readonly steps: number;
  readonly guidance: number;
  readonly guidance_rescale?: number;
  readonly clip_skip?: number | null;
  readonly strength?: number;
  readonly eta?: number;
  readonly seed: number;
  readonly source?: string;
  readonly image?: string;
  readonly original_size?: readonly number[];
  readonly crops_coords_top_left?: readonly number[];
  readonly target_size?: readonly number[];
  readonly time_ids?: readonly (readonly number[])[];
  readonly hint?: readonly string[];
  readonly scale?: number | readonly number[];
  readonly start?: number | readonly number[];
  readonly end?: number | readonly number[];
  readonly guess_mode?: boolean;
}

/** One number for all ControlNets, or one each. */
export const listed = (
  value: number | readonly number[] | undefined,
  net: number,
  absent: number,
): number => (typeof value === "number" ? value : value?.[net]) ?? absent;
