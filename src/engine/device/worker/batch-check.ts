/** Checks whether a program gives items of a batch the same results as each of them alone. */
import type { Picture } from "../../../media/picture.ts";
import type { RunItem } from "../../models/roles/role.ts";
import type { Tensor } from "../../models/tensor.ts";
import type { RunOutput } from "./calls.ts";
import type { Program } from "./program.ts";

/** Kernels add up in another order for other shapes: samples of a picture may differ by this much. */
const PICTURE_STEPS = 2;
const ABSOLUTE = 1e-3;
const RELATIVE = 1e-2;

/**
 * A graph may take a batch and mix its items: it normalises over all of them, or keeps the first one only. Throws as the
 * program does where it cannot run them together.
 *
 * @param items which differ, so that it shows
 */
export async function runAlike(program: Program, items: readonly RunItem[]): Promise<boolean> {
  if (program.hasComputedSizes) return false;
  const lanes = items.map((_, at) => `trial ${at}`);
  const copies = () => items.map((item, at) => itemCopy(item, lanes[at] ?? ""));
  try {
    const together = (await program.run(copies())) ?? [];
    for (const [at, item] of copies().entries()) {
      const [alone] = (await program.run([item])) ?? [];
      const joined = together[at];
      if (alone === undefined || joined === undefined || !isAlike(alone, joined)) return false;
    }
    return true;
  } finally {
    for (const lane of lanes) program.forget(lane);
  }
}

/** A run keeps the memory of its item. */
export const itemCopy = (item: RunItem, lane: string): RunItem => ({
  ...item,
  lane,
  picture: item.picture && pictureCopy(item.picture),
  original: item.original && pictureCopy(item.original),
});

const pictureCopy = ({ data, ...size }: Picture): Picture => ({ data: data.slice(), ...size });

function isAlike(one: RunOutput, other: RunOutput): boolean {
  const names = Object.keys(one.data);
  return (
    (one.picture === null) === (other.picture === null) &&
    (!one.picture || !other.picture || areClose(one.picture.data, other.picture.data)) &&
    names.every((name) => hasAlike(one.data[name], other.data[name]))
  );
}

const hasAlike = (one: Tensor | undefined, other: Tensor | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  one.dims.join() === other.dims.join() &&
  areCloseNumbers(one.data, other.data);

const areClose = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length &&
  one.every((byte, at) => Math.abs(byte - (other[at] ?? 0)) <= PICTURE_STEPS);

const areCloseNumbers = (one: Tensor["data"], other: Tensor["data"]): boolean =>
  Array.from(one, Number).every((number, at) => {
    const difference = Math.abs(number - Number(other[at]));
    return (
      Object.is(number, Number(other[at])) || difference <= ABSOLUTE + RELATIVE * Math.abs(number)
    );
  });
