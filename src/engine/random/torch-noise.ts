/** Draws the normal numbers of torch's CPU generator, equal to the last bit on every machine. */
import { MersenneTwister } from "./mersenne-twister.ts";

const f = Math.fround;
/** torch fills tensors of at least this many elements in blocks, in single precision. */
const BLOCK = 16;
const HALF_BLOCK = BLOCK / 2;

/**
 * `torch.Generator(device="cpu")` with `torch.randn`. The same seed gives the same numbers as torch on x86-64 with
 * AVX2 or AVX-512; torch on other machines differs from them by up to 2e-6.
 *
 * ```ts
 * const generator = new TorchGenerator("156680208700286");
 * const latent = generator.randn(1 * 4 * 64 * 64); // torch.randn(1, 4, 64, 64, generator=generator)
 * ```
 */
export class TorchGenerator {
  readonly #engine: MersenneTwister;
  /** The second normal of a pair of the small path; it outlives the call that drew it. */
  #spare: number | null = null;

  /**
   * @param seed an integer, taken modulo 2⁶⁴ as torch takes it, whose low 32 bits the generator uses; a
   *   decimal string or a bigint where it exceeds 2⁵³. Throws `RangeError` for what is not an integer.
   */
  constructor(seed: number | bigint | string) {
    this.#engine = new MersenneTwister(low32(seed));
  }

  /** The next `count` normals: what `torch.randn` gives for any shape of `count` elements, row-major. */
  randn(count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    this.fill(values);
    return values;
  }

  /** Overwrites all of `values` with the next normals, as `randn` of its length draws them. */
  fill(values: Float32Array): void {
    const { length } = values;
    if (length < BLOCK) {
      for (let i = 0; i < length; i++) values[i] = this.#normal();
      return;
    }
    this.#fillUniform(values, 0);
    for (let start = 0; start + BLOCK <= length; start += BLOCK) boxMuller(values, start);
    if (length % BLOCK === 0) return;
    // torch draws the last 16 places anew, over those that a whole block has filled already.
    this.#fillUniform(values, length - BLOCK);
    boxMuller(values, length - BLOCK);
  }

  #fillUniform(values: Float32Array, start: number): void {
    const engine = this.#engine;
    for (let i = start; i < values.length; i++) values[i] = (engine.next() & 0xffffff) / 2 ** 24;
  }

  /** One normal in double precision. */
  #normal(): number {
    const spare = this.#spare;
    if (spare !== null) {
      this.#spare = null;
      return spare;
    }
    const angle = 2 * Math.PI * this.#double();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#double()));
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** A double in [0, 1) of 53 bits; the first draw is the high word. */
  #double(): number {
    const high = this.#engine.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#engine.next()) / 2 ** 53;
  }
}

function low32(seed: number | bigint | string): number {
  const isInteger =
    typeof seed === "string"
      ? /^[+-]?\d{1,40}$/.test(seed)
      : typeof seed === "bigint" || Number.isInteger(seed);
  if (!isInteger) throw new RangeError(`seed is ${JSON.stringify(seed)}; give an integer`);
  return Number(BigInt.asUintN(32, BigInt(seed)));
}

/**
 * Turns 16 uniforms in place into normals. It follows torch's vectorised kernel operation by operation: single
 * precision, logarithm, sine and cosine by the polynomials of the Cephes library, fused multiply-adds. A product of
 * two floats is exact in a double, so `f(a * b + c)` rounds as a fused multiply-add does.
 */
function boxMuller(values: Float32Array, start: number): void {
  for (let i = start; i < start + HALF_BLOCK; i++) {
    // −2 ln(1 − u): u is a multiple of 2⁻²⁴, so 1 − u = whole · 2⁻²⁴ = mantissa · 2^exponent is exact.
    const whole = (1 - (values[i] as number)) * 2 ** 24;
    const bits = 32 - Math.clz32(whole);
    const mantissa = whole / 2 ** bits;
    const isLow = mantissa < SQRT_HALF;
    const exponent = isLow ? bits - 25 : bits - 24;
    const x = f(isLow ? mantissa - 1 + mantissa : mantissa - 1);
    const square = f(x * x);
    let log = LOG_0;
    log = f(log * x + LOG_1);
    log = f(log * x + LOG_2);
    log = f(log * x + LOG_3);
    log = f(log * x + LOG_4);
    log = f(log * x + LOG_5);
    log = f(log * x + LOG_6);
    log = f(log * x + LOG_7);
    log = f(log * x + LOG_8);
    log = f(log * x);
    log = f(log * square + f(exponent * LN2_LOW));
    log = f(log - square * 0.5);
    log = f(exponent * LN2_HIGH + f(x + log));
    const radius = f(Math.sqrt(-2 * log));

    let angle = f(TWO_PI * (values[i + HALF_BLOCK] as number));
    const octant = (Math.trunc(f(angle * FOUR_OVER_PI)) + 1) & ~1;
    angle = f(octant * QUARTER_PI_0 + angle);
    angle = f(octant * QUARTER_PI_1 + angle);
    angle = f(octant * QUARTER_PI_2 + angle);
    const z = f(angle * angle);
    let c = COS_0;
    c = f(c * z + COS_1);
    c = f(c * z + COS_2);
    c = f(c * z);
    c = f(c * z - z * 0.5);
    c = f(c + 1);
    let s = SIN_0;
    s = f(s * z + SIN_1);
    s = f(s * z + SIN_2);
    s = f(s * z);
    s = f(s * angle + angle);
    const isSwapped = (octant & 2) !== 0;
    const sine = isSwapped ? c : s;
    const cosine = isSwapped ? s : c;
    values[i] = radius * ((octant + 2) & 4 ? -cosine : cosine);
    values[i + HALF_BLOCK] = radius * (octant & 4 ? -sine : sine);
  }
}

const TWO_PI = f(2 * Math.PI);
const FOUR_OVER_PI = f(1.27323954473516);
const SQRT_HALF = f(Math.SQRT1_2);
/** ln 2 in two parts, the high one with few enough bits for an exact product with an exponent. */
const LN2_HIGH = f(0.693359375);
const LN2_LOW = f(-2.1219444e-4);
/** −π/4 in three parts, to reduce an angle without loss. */
const QUARTER_PI_0 = f(-0.78515625);
const QUARTER_PI_1 = f(-2.4187564849853516e-4);
const QUARTER_PI_2 = f(-3.774894977445941e-8);
/** Coefficients of the polynomials, the highest power first. */
const LOG_0 = f(7.0376836292e-2);
const LOG_1 = f(-1.151461031e-1);
const LOG_2 = f(1.167699874e-1);
const LOG_3 = f(-1.2420140846e-1);
const LOG_4 = f(1.4249322787e-1);
const LOG_5 = f(-1.6668057665e-1);
const LOG_6 = f(2.0000714765e-1);
const LOG_7 = f(-2.4999993993e-1);
const LOG_8 = f(3.3333331174e-1);
const COS_0 = f(2.443315711809948e-5);
const COS_1 = f(-1.388731625493765e-3);
const COS_2 = f(4.166664568298827e-2);
const SIN_0 = f(-1.9515295891e-4);
const SIN_1 = f(8.3321608736e-3);
const SIN_2 = f(-1.6666654611e-1);
