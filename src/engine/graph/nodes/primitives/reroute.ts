/** Reroute: passes a link on. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const Reroute: NodeClass = {
  name: "Reroute",
  category: "value",
  inputs: { "": link("*") },
  outputs: ["*"],
  isRewritten: true,
  note: "Exists in ComfyUI's page alone, which leaves it out of what it exports; here, links skip it.",
};
