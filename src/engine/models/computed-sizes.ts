/** Finds graphs in which the number of results depends on what is in the input, as in detectors. */
import type { GraphProto } from "onnx-buf";

/** Operators of the ONNX standard whose output has as many rows as they find. */
const COUNTING = ["NonMaxSuppression", "NonZero", "Compress", "Unique"];

/** True if an operator of the graph, or of a graph inside it, gives as many results as it finds. */
export const computesSizes = ({ node }: GraphProto): boolean =>
  node.some(
    ({ opType, attribute }) =>
      COUNTING.includes(opType) ||
      attribute.some(({ g, graphs }) => [...(g ? [g] : []), ...graphs].some(computesSizes)),
  );
