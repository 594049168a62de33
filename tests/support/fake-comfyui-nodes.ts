/** The node classes of the ComfyUI stand-in: how it judges graphs with them (as `validate_prompt` does), and what they compute. */
import { decodeImage, encodePng } from "../../src/engine/codec/image-file.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Picture } from "../../src/media/picture.ts";

export type Value = Picture | string;
export type Inputs = Readonly<Record<string, unknown>>;
export interface Node {
  readonly class_type: string;
  readonly inputs: Inputs;
}
export type Prompt = Readonly<Record<string, Node>>;

export interface FakeClass {
  /** Types of the required inputs; a list holds the choices. */
  readonly inputs: Readonly<Record<string, string | readonly string[]>>;
  readonly outputs: readonly string[];
  readonly isOutput?: true;
}

export const CLASSES: Readonly<Record<string, FakeClass>> = {
  LoadImage: { inputs: { image: "FILE" }, outputs: ["IMAGE", "MASK"] },
  EmptyImage: { inputs: { width: "INT", height: "INT", color: "INT" }, outputs: ["IMAGE"] },
  ImageInvert: { inputs: { image: "IMAGE" }, outputs: ["IMAGE"] },
  TestSlow: { inputs: { image: "IMAGE", seconds: "FLOAT" }, outputs: ["IMAGE"] },
  TestFail: { inputs: { image: "IMAGE", message: "STRING" }, outputs: ["IMAGE"] },
  TestChoice: { inputs: { image: "IMAGE", choice: ["this", "that"] }, outputs: ["IMAGE"] },
  TestText: { inputs: { text: "STRING" }, outputs: ["STRING"] },
  SaveImage: {
    inputs: { images: "IMAGE", filename_prefix: "STRING" },
    outputs: [],
    isOutput: true,
  },
  PreviewImage: { inputs: { images: "IMAGE" }, outputs: [], isOutput: true },
  PreviewAny: { inputs: { source: "*" }, outputs: [], isOutput: true },
  SaveImageWebsocket: { inputs: { images: "IMAGE" }, outputs: [], isOutput: true },
};

export interface NodeFault {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  readonly extra_info: Readonly<Record<string, unknown>>;
}

/** What nodes need of the server that runs them. */
export interface FakeRun {
  /** Throws once the graph was interrupted. */
  check(): void;
  file(name: string): Uint8Array;
  progress(value: number, max: number): void;
  text(text: string): void;
  picture(png: Uint8Array): void;
  saved(png: Uint8Array): void;
}

/** As `validate_inputs`; adds what it finds to `faults`. */
export function isValid(
  id: string,
  prompt: Prompt,
  {
    faults,
    hasFile,
  }: { readonly faults: Map<string, NodeFault[]>; readonly hasFile: (name: string) => boolean },
): boolean {
  const node = prompt[id];
  const known = node && CLASSES[node.class_type];
  if (node === undefined || known === undefined) throw new Error(`no node ${id}`);
  const errors: NodeFault[] = [];
  faults.set(id, errors);
  let isWhole = true;
  for (const [input, type] of Object.entries(known.inputs)) {
    const value = node.inputs[input];
    const fail = (kind: string, message: string, details: string) =>
      errors.push({ type: kind, message, details, extra_info: { input_name: input } });
    if (value === undefined) fail("required_input_missing", "Required input is missing", input);
    else if (Array.isArray(value)) {
      const source = CLASSES[prompt[value[0]]?.class_type ?? ""]?.outputs[value[1]];
      if (type !== "*" && source !== type) {
        const details = `${input}, received_type(${source}) mismatch input_type(${type})`;
        fail("return_type_mismatch", "Return type mismatch between linked nodes", details);
      } else if (!isValid(value[0], prompt, { faults, hasFile })) isWhole = false;
    } else if (type === "FLOAT" && !Number.isFinite(Number(value))) {
      const message = "Failed to convert an input value to a FLOAT value";
      fail("invalid_input_type", message, `${input}, ${value}, could not convert string to float`);
    } else if (Array.isArray(type) && !type.includes(value)) {
      const choices = type.map((one) => `'${one}'`).join(", ");
      fail("value_not_in_list", "Value not in list", `${input}: '${value}' not in [${choices}]`);
    } else if (type === "FILE" && !hasFile(String(value))) {
      const details = `${input} - Invalid image file: ${value}`;
      fail("custom_validation_failed", "Custom validation failed for node", details);
    }
  }
  return isWhole && errors.length === 0;
}

export async function compute(
  name: string,
  inputs: Inputs,
  run: FakeRun,
): Promise<readonly Value[]> {
  const { image, images } = inputs as { image: Picture; images: Picture };
  switch (name) {
    case "LoadImage":
      return [await decoded(run.file(String(inputs["image"])))];
    case "EmptyImage": {
      const sizes = [inputs["width"], inputs["height"], inputs["color"]].map(Number);
      const [width = 1, height = 1, color = 0] = sizes;
      return [{ data: new Uint8Array(width * height * 3).fill(color & 255), width, height }];
    }
    case "ImageInvert":
      return [{ ...image, data: image.data.map((value) => 255 - value) }];
    case "TestSlow": {
      const steps = Number(inputs["seconds"]) * STEPS_A_SECOND;
      for (let step = 1; step <= steps; step++) {
        run.check();
        await Bun.sleep(1000 / STEPS_A_SECOND);
        run.progress(step, steps);
      }
      return [image];
    }
    case "TestFail":
      throw new Error(String(inputs["message"]));
    case "TestChoice":
      return [image];
    case "TestText":
      return [String(inputs["text"]).toUpperCase()];
    case "PreviewAny":
      run.text(String(inputs["source"]));
      return [];
    case "SaveImageWebsocket":
      run.picture(await encoded(images));
      return [];
    default:
      run.saved(await encoded(images));
      return [];
  }
}

const STEPS_A_SECOND = 20;

async function decoded(png: Uint8Array): Promise<Picture> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const frame = await decodeImage(png);
  const size = { width: frame.width, height: frame.height };
  try {
    return await converter.toPicture(frame, size, "stretch");
  } finally {
    frame.free();
  }
}

async function encoded(picture: Picture): Promise<Uint8Array> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const frame = await converter.toRgb(picture, picture, "stretch");
  try {
    return await encodePng(frame);
  } finally {
    frame.free();
  }
}
