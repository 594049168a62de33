/** OnnxModel: runs a model folder of the workspace. */
import { dataReport } from "../../../plan/data-values.ts";
import type { ParamValue } from "../../../protocol/models.ts";
import { file, link, text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import type { FolderModel } from "../../run/folder-models.ts";
import type { NodeInputs } from "../../run/node-inputs.ts";
import { output } from "../../run/node-runner.ts";
import { eachOf, stacked } from "../../run/pixels.ts";
import { modelRefusal, through } from "../../run/through-model.ts";
import type { Images, Mask } from "../../run/values.ts";

/** Inputs of OnnxModel that are no parameters of the model. */
const OWN = ["model", "image", "prompt"];

export const OnnxModel: NodeClass = {
  name: "OnnxModel",
  category: "models/run",
  inputs: { model: file("model") },
  optional: { image: link("IMAGE"), prompt: text("") },
  takesMore: true,
  outputs: ["IMAGE", "MASK", "STRING"],
  outputNames: ["image", "mask", "data"],
  note: "Runs a folder of the workspace's models. All other inputs are the model's parameters by name.",
  async run(inputs, context) {
    const model = await context.models.folderModel("model", inputs.text("model"), "as described");
    const given = inputs.optional("image", "IMAGE");
    const params = paramsOf(inputs, model);
    const prompt = inputs.text("prompt");
    const prompts = prompt === "" ? [] : [{ prompt }];
    const drawn: Images[] = [];
    let data = "{}";
    for (const one of given === null ? [null] : eachOf(given)) {
      const { picture, ...result } = await through(model, one, context, { params, prompts });
      data = JSON.stringify(dataReport(model.definition, result) ?? {});
      if (picture !== null) drawn.push(picture);
      else if (one !== null) drawn.push(one); // as in a stream: a model without a picture lets it pass
    }
    if (drawn.length === 0)
      throw modelRefusal("gives no picture: link one to image, to let it pass");
    const images = stacked(drawn);
    return [output("IMAGE", images), output("MASK", redOf(images)), output("STRING", data)];
  },
};

/** The other inputs, which are the model's parameters. */
function paramsOf(inputs: NodeInputs, { definition }: FolderModel): Record<string, ParamValue> {
  const { values, links } = inputs.node;
  const names = [...values.keys(), ...links.keys()].filter((name) => !OWN.includes(name));
  return Object.fromEntries(
    names.map((name) => {
      const param = definition.params.find((one) => one.name === name);
      if (param === undefined) {
        const known = definition.params.map((one) => one.name).join(", ") || "none";
        throw modelRefusal(`has no parameter ${JSON.stringify(name)}; it has: ${known}`);
      }
      const value = values.get(name) ?? inputs.value(name)?.value;
      if (typeof value === "bigint") return [name, Number(value)] as const;
      if (typeof value === "number" || typeof value === "boolean") return [name, value] as const;
      if (Array.isArray(value)) return [name, value as number[]] as const;
      throw modelRefusal(`takes a number, true or false, or a list of numbers for ${name}`);
    }),
  );
}

function redOf({ data, batch, height, width, channels }: Images): Mask {
  const values = new Float32Array(batch * height * width);
  for (let at = 0; at < values.length; at++) values[at] = data[at * channels] as number;
  return { values, batch, height, width };
}
