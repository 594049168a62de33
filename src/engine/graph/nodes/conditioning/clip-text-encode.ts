/** CLIPTextEncode: encodes a text as a prompt. */
import { link, text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const CLIPTextEncode: NodeClass = {
  name: "CLIPTextEncode",
  category: "prompt",
  inputs: {
    text: text(),
    clip: link("CLIP"),
  },
  outputs: ["CONDITIONING"],
  async run(inputs) {
    const { conditioner, stopAt } = inputs.link("clip", "CLIP");
    const conditioning = await conditioner.encode(inputs.text("text"), stopAt);
    return [output("CONDITIONING", [{ conditioning, strength: 1, range: null }])];
  },
};
