/** Polynomials through given nodes, as multistep methods integrate them. */

/**
 * The coefficients of the j-th Lagrange polynomial over `nodes` (1 at its own node, 0 at the others) in powers of
 * (s − origin), the lowest first.
 */
export function lagrangePolynomial(
  nodes: readonly number[],
  j: number,
  origin: number,
): readonly number[] {
  const own = nodes[j] as number;
  let coefficients = [1];
  for (const [k, node] of nodes.entries()) {
    if (k === j) continue;
    const [root, scale] = [node - origin, own - node];
    const product = new Array<number>(coefficients.length + 1).fill(0);
    for (const [power, value] of coefficients.entries()) {
      product[power + 1] = (product[power + 1] as number) + value / scale;
      product[power] = (product[power] as number) - (root * value) / scale;
    }
    coefficients = product;
  }
  return coefficients;
}
