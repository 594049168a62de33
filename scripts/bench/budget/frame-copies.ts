/**
 * Lists the copies of a frame's bytes between our code and the native libraries, as they stand in src/engine. What FFmpeg, x264
 * and ONNX Runtime copy inside, and sockets, is not counted: the bare loop has that, too.
 */

/** Sizes in bytes. */
export interface FrameSizes {
  /** Planar RGB: 3 · width · height. */
  readonly picture: number;
  /** The access unit that comes in. */
  readonly unit: number;
  /** The frame as it was encoded. */
  readonly coded: number;
}

interface Copy {
  readonly of: keyof FrameSizes;
  readonly what: string;
  /** Through `set` of typed arrays, which the probe counts. */
  readonly isSet: boolean;
}

/** Each goes to memory that is allocated for it. */
const COPIES: readonly Copy[] = [
  { of: "picture", what: "planes to picture", isSet: true },
  { of: "picture", what: "the session's output to JavaScript", isSet: false },
  { of: "picture", what: "picture to planes", isSet: true },
  { of: "unit", what: "TS payloads to PES", isSet: true },
  { of: "unit", what: "PES to FFmpeg's packet", isSet: false },
  { of: "coded", what: "FFmpeg's packet to a Buffer", isSet: false },
  { of: "coded", what: "Buffer to packet", isSet: false },
  { of: "coded", what: "packet to sample", isSet: true },
  { of: "coded", what: "sample to fragment", isSet: true },
];

const NAMES = { picture: "picture", unit: "unit in", coded: "frame out" } as const;

const sum = (copies: readonly Copy[], sizes: FrameSizes): number =>
  copies.reduce((bytes, { of }) => bytes + sizes[of], 0);

/** Bytes copied for a frame. */
export const copied = (sizes: FrameSizes): number => sum(COPIES, sizes);

/** The part of them that the probe counts. */
export const copiedBySet = (sizes: FrameSizes): number =>
  sum(
    COPIES.filter(({ isSet }) => isSet),
    sizes,
  );

/** Bytes allocated for a frame: what is copied, and the tensor in which ONNX Runtime makes its output. */
export const allocated = (sizes: FrameSizes): number => copied(sizes) + sizes.picture;

/** The sum behind `copied` in words. */
export function arithmetic(sizes: FrameSizes): string {
  const parts = (["picture", "unit", "coded"] as const).map((of) => {
    const copies = COPIES.filter((copy) => copy.of === of);
    const size = (sizes[of] / 1000).toFixed(1);
    return `${copies.length} × ${size} KB ${NAMES[of]} (${copies.map(({ what }) => what).join(", ")})`;
  });
  return parts.join(" + ");
}
