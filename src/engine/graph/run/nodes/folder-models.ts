/** Runs the nodes that put pictures through a model of the workspace. */
import { WorkerError } from "../../../../errors.ts";
import { dataReport } from "../../../plan/data-values.ts";
import type { ParamValue } from "../../../protocol/models.ts";
import type { Size } from "../../../protocol/work.ts";
import { SIZE_FRAGMENTS } from "../../image/sizes.ts";
import { IMAGE_SIZE_NODES } from "../../nodes/image-sizes.ts";
import type { FolderModel } from "../folder-models.ts";
import { NodeInputs } from "../node-inputs.ts";
import { type NodeRunners, output, type RunContext } from "../node-runner.ts";
import { eachOf, fromPicture, stacked, toPicture } from "../pixels.ts";
import type { Images, Mask } from "../values.ts";

/** Inputs of OnnxModel that are no parameters of the model. */
const OWN = ["model", "image", "prompt"];

export const FOLDER_MODELS: NodeRunners = {
  async OnnxModel(inputs, context) {
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
    if (drawn.length === 0) throw refused("gives no picture: link one to image, to let it pass");
    const images = stacked(drawn);
    return [output("IMAGE", images), output("MASK", redOf(images)), output("STRING", data)];
  },

  async DepthAnythingTensorrt(inputs, context) {
    const engine = inputs.text("engine");
    const model = await context.models.folderModel("depth_model", engine, "as numbers");
    const depths: Images[] = [];
    for (const one of eachOf(inputs.link("images", "IMAGE"))) {
      const { data } = await through(model, one, context, { params: {}, prompts: [] });
      const [depth] = Object.values(data);
      const [height = 0, width = 0] = depth?.dims.slice(-2) ?? [];
      if (depth === undefined || depth.data.length !== height * width) {
        throw refused(`is no depth model: ${engine} gives ${depth?.dims.join(" × ") ?? "nothing"}`);
      }
      const gray = grayOf(Float32Array.from(depth.data, Number), { height, width });
      depths.push(await scaled(gray, one, context));
    }
    return [output("IMAGE", stacked(depths))];
  },
};

/** One picture through a model, in the size it takes; what is drawn has the picture's own again. */
async function through(
  model: FolderModel,
  picture: Images | null,
  context: RunContext,
  rest: Pick<Parameters<FolderModel["run"]>[0], "params" | "prompts">,
) {
  const size = model.sizeFor(picture ?? { width: 512, height: 512 });
  const { video } = model.definition;
  if (picture === null && video === "required") throw refused("needs a picture: link one to image");
  const takesVideo = video !== "none";
  const inner =
    picture !== null && takesVideo ? toPicture(await scaled(picture, size, context)) : null;
  const { picture: drawn, data } = await model.run({ picture: inner, size, ...rest });
  if (drawn === null) return { picture: null, data };
  const images = fromPicture(drawn);
  const isSqueezed = picture !== null && drawn.width === size.width && drawn.height === size.height;
  return { picture: isSqueezed ? await scaled(images, picture, context) : images, data };
}

/** As ImageScale does. */
async function scaled(
  images: Images,
  { width, height }: Size,
  context: RunContext,
): Promise<Images> {
  if (images.width === width && images.height === height) return images;
  const declaration = IMAGE_SIZE_NODES["ImageScale"];
  const fragment = SIZE_FRAGMENTS["ImageScale"];
  if (!declaration || !fragment) throw new Error("ImageScale is missing");
  const nodeClass = { name: "ImageScale", ...declaration, fragment };
  const node = {
    ...{ id: "scale", className: "ImageScale", nodeClass, label: "scaling" },
    links: new Map([["image", { node: "source", output: 0 }]]),
    values: new Map<string, string | number>([
      ["upscale_method", "bilinear"],
      ["width", width],
      ["height", height],
      ["crop", "disabled"],
    ]),
  };
  const source = new Map([["source", [output("IMAGE", images)]]]);
  const [result] = await context.images.run(new NodeInputs(node, source));
  if (result?.type !== "IMAGE") throw new Error("scaling gave no picture");
  return result.value;
}

/** The other inputs, which are the model's parameters. */
function paramsOf(inputs: NodeInputs, { definition }: FolderModel): Record<string, ParamValue> {
  const { values, links } = inputs.node;
  const names = [...values.keys(), ...links.keys()].filter((name) => !OWN.includes(name));
  return Object.fromEntries(
    names.map((name) => {
      const param = definition.params.find((one) => one.name === name);
      if (param === undefined) {
        const known = definition.params.map((one) => one.name).join(", ") || "none";
        throw refused(`has no parameter ${JSON.stringify(name)}; it has: ${known}`);
      }
      const value = values.get(name) ?? inputs.value(name)?.value;
      if (typeof value === "bigint") return [name, Number(value)] as const;
      if (typeof value === "number" || typeof value === "boolean") return [name, value] as const;
      if (Array.isArray(value)) return [name, value as number[]] as const;
      throw refused(`takes a number, true or false, or a list of numbers for ${name}`);
    }),
  );
}

/** From the smallest value, black, to the largest, white. */
function grayOf(values: Float32Array, { height, width }: Size): Images {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const data = new Float32Array(values.length * 3);
  for (let at = 0; at < values.length; at++) {
    const share = ((values[at] as number) - least) / (most - least || 1);
    data.fill(share, at * 3, at * 3 + 3);
  }
  return { data, batch: 1, height, width, channels: 3 };
}

function redOf({ data, batch, height, width, channels }: Images): Mask {
  const values = new Float32Array(batch * height * width);
  for (let at = 0; at < values.length; at++) values[at] = data[at * channels] as number;
  return { values, batch, height, width };
}

const refused = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `the model ${problem}`);
