/** Describes how a coded picture is shown: its rotation, its mirroring and the shape of its pixels. */

/** The turn and flip that make a coded picture upright. */
export interface Orientation {
  /** Degrees clockwise. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** The picture is flipped left to right before it is turned. */
  readonly mirrored: boolean;
}

/** Width to height of one pixel, e.g. 16:11; 1:1 is square. */
export interface PixelAspect {
  readonly width: number;
  readonly height: number;
}

const QUARTER_TURNS = [0, 90, 180, 270] as const;

/**
 * Reads a display matrix: nine numbers, row by row, of any common scale (ISO/IEC 14496-12 §8.3.2
 * `tkhd`; FFmpeg's display matrix has the same layout). Other angles are rounded to quarter turns.
 * Returns null if the matrix leaves the picture as it is or cannot be inverted.
 */
export function orientationOf(matrix: readonly number[]): Orientation | null {
  const [a = 0, b = 0, , c = 0, d = 0] = matrix;
  const determinant = a * d - b * c;
  if (determinant === 0) return null;
  const mirrored = determinant < 0;
  const angle = mirrored ? Math.atan2(-b, -a) : Math.atan2(b, a);
  const rotation = QUARTER_TURNS[Math.round(angle / (Math.PI / 2)) & 3] ?? 0;
  return rotation === 0 && !mirrored ? null : { rotation, mirrored };
}

/**
 * Reads a roll in degrees counterclockwise (Matroska's `ProjectionPoseRoll`), of a picture that may be flipped left to
 * right as well. Other angles are rounded to quarter turns. Returns null if the picture stays as it is.
 */
export function orientationFromRoll(degrees: number, mirrored: boolean): Orientation | null {
  const rotation = QUARTER_TURNS[Math.round(-degrees / 90) & 3] ?? 0;
  return rotation === 0 && !mirrored ? null : { rotation, mirrored };
}
