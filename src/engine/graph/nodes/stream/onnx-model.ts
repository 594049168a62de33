/** OnnxModel: runs a model folder of the workspace. */
import { WorkerError } from "../../../../errors.ts";
import type { ModelDefinition } from "../../../models/definition.ts";
import { dataReport } from "../../../plan/data-values.ts";
import type { ParamValue } from "../../../protocol/models.ts";
import { readParam } from "../../../protocol/param-value.ts";
import type { CheckedNode } from "../../check-node.ts";
import { shownName } from "../../graph.ts";
import type { GraphFiles } from "../../graph-files.ts";
import { file, link, text } from "../../input-declaration.ts";
import type { NodeClass, ValueFault } from "../../node-class.ts";
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
  check: faultsOf,
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

/** What is wrong with the other inputs: the model's parameters and its picture. Linked values are judged when they are there. */
function faultsOf({ values, links }: CheckedNode, files: GraphFiles): readonly ValueFault[] {
  const given = values.get("model");
  const folder = typeof given === "string" ? files.find("model", given) : null;
  const content = folder === null ? undefined : files.content(folder);
  if (content?.kind !== "network") return [];
  const { definition } = content;
  const faults = parameterNames(values, links).flatMap((name): ValueFault[] => {
    const param = definition.params.find((one) => one.name === name);
    if (param === undefined) return [[name, unknownParam(definition)]];
    const value = values.get(name);
    const reading = value === undefined ? null : readParam(param, plain(value));
    return reading !== null && "problem" in reading ? [[name, reading.problem]] : [];
  });
  if (!links.has("image") && (definition.video === "required" || !definition.draws)) {
    const why = definition.draws ? "needs a picture" : "gives no picture of its own";
    faults.push(["image", `is missing: the model ${definition.name} ${why}; link one`]);
  }
  return faults;
}

/** The other inputs, which are the model's parameters. */
function paramsOf(inputs: NodeInputs, { definition }: FolderModel): Record<string, ParamValue> {
  const { values, links } = inputs.node;
  return Object.fromEntries(
    parameterNames(values, links).map((name) => {
      const param = definition.params.find((one) => one.name === name);
      if (param === undefined) throw refused(name, unknownParam(definition));
      const linked = inputs.value(name);
      if (linked !== undefined && !PLAIN.has(linked.type)) {
        throw refused(name, `must be a value, got ${linked.type} by a link`);
      }
      const reading = readParam(param, plain(values.get(name) ?? linked?.value));
      if ("problem" in reading) throw refused(name, reading.problem);
      return [name, reading.value];
    }),
  );
}

/** Types of links whose values parameters may have. */
const PLAIN: ReadonlySet<string> = new Set(["BOOLEAN", "FLOAT", "INT", "STRING"]);

const parameterNames = (...inputs: readonly ReadonlyMap<string, unknown>[]): string[] =>
  inputs.flatMap((some) => [...some.keys()]).filter((name) => !OWN.includes(name));

const plain = (value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

const unknownParam = ({ name, params }: ModelDefinition): string => {
  const known = params.map((one) => one.name).join(", ") || "none";
  return `is not a parameter of the model ${name}, which has: ${known}`;
};

const refused = (input: string, problem: string): WorkerError =>
  new WorkerError("invalid_request", `${shownName(input, 40)} ${problem}`);

function redOf({ data, batch, height, width, channels }: Images): Mask {
  const values = new Float32Array(batch * height * width);
  for (let at = 0; at < values.length; at++) values[at] = data[at * channels] as number;
  return { values, batch, height, width };
}
