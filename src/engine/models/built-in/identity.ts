/** The model `identity`: returns every frame unchanged, which shows the cost of everything but a model. */
import { GraphBuilder } from "../graph-builder.ts";
import { type BuiltIn, drawing, PICTURE } from "./built-in.ts";

export const identity: BuiltIn = {
  json: { description: "Returns every frame unchanged", file: "identity.onnx" },
  signature: drawing({ picture: PICTURE }),
  graph() {
    const graph = new GraphBuilder();
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    graph.output("image", picture, "uint8", [1, 3, "height", "width"]);
    return graph.build("identity");
  },
};
