/** Computes logarithms in single precision as numpy does, equal to the last bit on processors with AVX2 or AVX-512. */

const f = Math.fround;
const LN2 = f(Math.LN2);
const SQRT2 = f(Math.SQRT2);
/** ln(1 + x) ≈ P(x)/Q(x), the highest power first. */
const P = [0.025899792, 0.38088378, 1.4800006, 2.1126776, 1, 0].map(f);
const Q = [0.0058750953, 0.15464763, 0.9864943, 2.453006, 2.6126776, 1].map(f);

/** ln of each value. All must be positive and normal numbers. */
export function numpyLog(values: Float32Array): Float32Array {
  return values.map((value) => {
    let exponent = Math.floor(Math.log2(value));
    let mantissa = value / 2 ** exponent;
    // log2 may round up to a whole number.
    if (mantissa < 1) [mantissa, exponent] = [mantissa * 2, exponent - 1];
    if (mantissa > SQRT2) [mantissa, exponent] = [mantissa / 2, exponent + 1];
    const x = f(mantissa - 1);
    return exponent * LN2 + f(polynomial(P, x) / polynomial(Q, x));
  });
}

/** Horner's scheme with fused multiply-adds: a product of two floats is exact in a double. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => f(sum * x + coefficient), 0);
}
