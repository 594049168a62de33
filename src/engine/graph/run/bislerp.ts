/** ComfyUI's "bislerp": resizes latents along the arcs between the vectors of neighbouring places. */
import { bilinearTaps, type PlaneSize, type Planes } from "./taps.ts";

/** Cosines closer to ±1 than this count as parallel. */
const PARALLEL = 1e-5;

/** First along the width, then along the height. The vector of a place holds its value of every channel. */
export function bislerp(planes: Planes, { width, height }: PlaneSize): Planes {
  const [batch, channels, oldHeight, oldWidth] = planes.shape;
  const wide = slerpAxis(planes, [batch, channels, oldHeight, width], {
    places: places(oldWidth, width),
    index: (line, at) => line * oldWidth + at,
    target: (line, at) => line * width + at,
    lines: oldHeight,
  });
  return slerpAxis(wide, [batch, channels, height, width], {
    places: places(oldHeight, height),
    index: (line, at) => at * width + line,
    target: (line, at) => at * width + line,
    lines: width,
  });
}

interface Axis {
  readonly places: readonly {
    readonly low: number;
    readonly high: number;
    readonly share: number;
  }[];
  /** Offset in a plane of the place `at` on a line. */
  readonly index: (line: number, at: number) => number;
  readonly target: (line: number, at: number) => number;
  readonly lines: number;
}

/** Both neighbours are interpolated positions, cut to whole ones, as in ComfyUI. */
function places(from: number, to: number): Axis["places"] {
  const interpolated = (value: (at: number) => number): number[] =>
    bilinearTaps(from, to).map(({ at, weights }) =>
      at.reduce((sum, place, tap) => Math.fround(sum + value(place) * (weights[tap] ?? 0)), 0),
    );
  const lows = interpolated((at) => at);
  const highs = interpolated((at) => Math.min(at + 1, from - 1));
  return lows.map((position, at) => {
    const low = Math.floor(position);
    return { low, high: Math.floor(highs[at] ?? 0), share: position - low };
  });
}

function slerpAxis({ values, shape }: Planes, to: Planes["shape"], axis: Axis): Planes {
  const [batch, channels, height, width] = shape;
  const size = height * width;
  const newSize = to[2] * to[3];
  const result = new Float32Array(batch * channels * newSize);
  const a = new Float64Array(channels);
  const b = new Float64Array(channels);
  for (let picture = 0; picture < batch; picture++) {
    const from = picture * channels * size;
    for (let line = 0; line < axis.lines; line++) {
      for (const [at, { low, high, share }] of axis.places.entries()) {
        const [p, q] = [axis.index(line, low), axis.index(line, high)];
        for (let channel = 0; channel < channels; channel++) {
          a[channel] = values[from + channel * size + p] as number;
          b[channel] = values[from + channel * size + q] as number;
        }
        const [left, right] = arcShares(a, b, share);
        const target = picture * channels * newSize + axis.target(line, at);
        for (let channel = 0; channel < channels; channel++) {
          result[target + channel * newSize] =
            (a[channel] as number) * left + (b[channel] as number) * right;
        }
      }
    }
  }
  return { values: result, shape: to };
}

/** The factors of both vectors; vectors of length 0 have no direction and count as it. */
function arcShares(a: Float64Array, b: Float64Array, share: number): [number, number] {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [a[at] as number, b[at] as number];
    dot += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  const [lengthA, lengthB] = [Math.sqrt(squareA), Math.sqrt(squareB)];
  const cosine = lengthA > 0 && lengthB > 0 ? dot / (lengthA * lengthB) : 0;
  if (cosine > 1 - PARALLEL) return [1, 0];
  if (cosine < PARALLEL - 1) return [1 - share, share];
  const angle = Math.acos(cosine);
  const length = (lengthA * (1 - share) + lengthB * share) / Math.sin(angle);
  const part = (size: number, weight: number): number =>
    size > 0 ? (Math.sin(weight * angle) / size) * length : 0;
  return [part(lengthA, 1 - share), part(lengthB, share)];
}
