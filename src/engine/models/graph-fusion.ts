/**
 * Rewrites parts of a graph into operators that ONNX Runtime computes faster on a CPU. Results stay the same up to the
 * rounding of floats.
 */
import { create } from "@bufbuild/protobuf";
import { type ModelProto, OperatorSetIdProtoSchema } from "onnx-buf";
import { fuseAttention } from "./graph-fusion-attention.ts";
import { GraphEditor, hasOnnxOperator } from "./graph-fusion-editor.ts";
import { fuseInstanceNorm } from "./graph-fusion-instance-norm.ts";
import { splitNarrowConv } from "./graph-fusion-narrow-conv.ts";
import { fuseUpsampleConv } from "./graph-fusion-upsample-conv.ts";

/** The operator sets in which the patterns and their replacements mean what the rewrites take them to mean. */
const OPSETS = { lowest: 9, highest: 25 } as const;

/** In this order: the norm after an upsampling is recognised by the convolution before it. */
const REWRITES = [fuseInstanceNorm, fuseUpsampleConv, splitNarrowConv, fuseAttention] as const;

/** ONNX Runtime's own operators. */
const RUNTIME_DOMAIN = { domain: "com.microsoft", version: 1n } as const;

/**
 * Rewrites `model` in place. A pattern is left alone where one of its intermediate values is used elsewhere or is an
 * output of the graph, where weights that would have to be read lie in another file, and inside subgraphs. Weights are
 * copied only where a rewrite makes new ones. A second call changes nothing.
 */
export function fuse(model: ModelProto): void {
  const { graph } = model;
  const opset = Number(
    model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 0,
  );
  if (graph === undefined || opset < OPSETS.lowest || opset > OPSETS.highest) return;
  for (const rewrite of REWRITES) {
    const editor = new GraphEditor(graph, { opset, irVersion: Number(model.irVersion) });
    for (const node of graph.node.filter(hasOnnxOperator)) rewrite(editor, node);
    editor.finish();
  }
  const { domain } = RUNTIME_DOMAIN;
  const isImported = model.opsetImport.some((each) => each.domain === domain);
  if (isImported || graph.node.every((node) => node.domain !== domain)) return;
  model.opsetImport.push(create(OperatorSetIdProtoSchema, RUNTIME_DOMAIN));
}
