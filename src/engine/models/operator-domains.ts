/** Finds operators of a graph that ONNX Runtime's released libraries do not contain, and names what they need. */
import type { GraphProto, ModelProto, NodeProto } from "onnx-buf";

/** Domains whose operators the released libraries contain; the empty one is the same as `ai.onnx`. */
const CONTAINED = new Set(["", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"]);

/** What operators of other domains need. */
const NEEDS: Readonly<Record<string, string>> = {
  "ai.onnx.contrib": "onnxruntime-extensions",
  "com.microsoft.extensions": "onnxruntime-extensions",
  "ai.onnx.training": "a training build of ONNX Runtime",
  "ai.onnx.preview.training": "a training build of ONNX Runtime",
  "org.pytorch.aten": "a build of ONNX Runtime with PyTorch's operators",
  "com.microsoft.dml": "DirectML",
  mmdeploy: "MMDeploy's operator library",
  "trt.plugins": "TensorRT plugins",
};

/** Names of operators that a message lists at most. */
const LISTED = 4;

/**
 * One phrase for each domain of operators that the graph uses and this server does not have, such as
 * `com.microsoft.extensions (DecodeImage), which needs onnxruntime-extensions`. Empty for a graph that can run. A
 * domain that is imported and not used, and functions that the file itself defines, are no problem.
 */
export function missingDomains(model: ModelProto): string[] {
  const local = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const missing = new Map<string, Set<string>>();
  const visit = (nodes: readonly NodeProto[]): void => {
    for (const { domain, opType, attribute } of nodes) {
      if (!CONTAINED.has(domain) && !local.has(`${domain}:${opType}`)) {
        missing.set(domain, (missing.get(domain) ?? new Set()).add(opType));
      }
      for (const { g, graphs } of attribute) {
        for (const graph of [g, ...graphs]) visit(nodesOf(graph));
      }
    }
  };
  visit(nodesOf(model.graph));
  for (const { node } of model.functions) visit(node);
  return [...missing].map(([domain, operators]) => {
    const names = [...operators].slice(0, LISTED).join(", ");
    const more = operators.size > LISTED ? " and others" : "";
    const needs = NEEDS[domain] ?? "a library of custom operators";
    return `${domain} (${names}${more}), which needs ${needs}`;
  });
}

const nodesOf = (graph: GraphProto | undefined): readonly NodeProto[] => graph?.node ?? [];
