/** The model that changes nothing: what the machinery costs without one. */
import { GraphBuilder } from "../graph-builder.ts";
import type { BuiltIn } from "./built-in.ts";

export const identity: BuiltIn = {
  json: { description: "Gives every frame back as it came", file: "identity.onnx" },
  graph() {
    const graph = new GraphBuilder();
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    graph.output("image", picture, "uint8", [1, 3, "height", "width"]);
    return graph.build("identity");
  },
};
