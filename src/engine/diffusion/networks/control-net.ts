/** A ControlNet of a diffusion folder: computes the residuals that a control picture adds to the denoiser. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { fromPicture } from "../../models/roles/pixel-graph.ts";
import type { PixelFormat } from "../../models/roles/pixels.ts";
import type { Tensor } from "../../models/tensor.ts";
import type { DenoiserInput } from "./denoiser.ts";
import { type EdgeChange, Network, numbersFor } from "./network.ts";
import { takesTimestepPerRow, timestepTensor, widenTimestep } from "./timestep-input.ts";

const SCALE = "conditioning_scale";

const HINT = "controlnet_cond";
/** What the hint is fed as in place of floats. */
const PICTURE = "control picture";

/** Pictures are from 0 to 1 inside. */
const PIXELS: PixelFormat = {
  ...{ layout: "nchw", channels: "rgb", dtype: "float32", range: [0, 1] },
  ...{ mean: [0], std: [1], scale: 1, zeroPoint: 0 },
};

export interface ControlInput extends Pick<DenoiserInput, "sample" | "timestep" | "embeddings"> {
  /** `[batch, 3, height, width]`, eight times as large as the sample: float32 from 0 to 1, or uint8 for "pictures". */
  readonly hint: Tensor;
  /** Factor of all residuals. */
  readonly strength: number;
  /** What SDXL's networks take besides, by input name; what this one does not take is left out. */
  readonly extras?: Readonly<Record<string, Tensor>>;
}

export class ControlNet {
  readonly #network: Network;
  readonly #hint: string;

  private constructor(network: Network, hint: string) {
    this.#network = network;
    this.#hint = hint;
  }

  /**
   * @param path of its ONNX file
   * @param hints what control pictures are given as: floats, or pictures as the decoder makes them
   */
  static async open(
    path: string,
    settings: SessionSettings,
    hints: "floats" | "pictures" = "floats",
  ): Promise<ControlNet> {
    const edge = hints === "pictures" ? { edge: takePictures } : {};
    const network = await Network.open(path, settings, { graph: widenTimestep, ...edge });
    for (const name of ["sample", "timestep", "encoder_hidden_states", HINT]) network.input(name);
    return new ControlNet(network, hints === "pictures" ? PICTURE : HINT);
  }

  /** The number of rows that every run must have, where the file fixes it; null where it takes any. */
  get fixedRows(): number | null {
    const rows = this.#network.input("sample").dims?.[0];
    return typeof rows === "number" ? rows : null;
  }

  /** True if the rows of a run may be at timesteps of their own. */
  get takesTimestepPerRow(): boolean {
    return takesTimestepPerRow(this.#network.input("timestep"), this.fixedRows);
  }

  /** The numbers in the vector of a token, where the file fixes them. */
  get tokenWidth(): number | null {
    return this.#network.fixedDim("encoder_hidden_states", 2);
  }

  /** Residuals by the names that the denoiser takes them by. */
  async residuals(input: ControlInput): Promise<Record<string, Tensor>> {
    const { sample, timestep, embeddings, hint, strength, extras = {} } = input;
    const takes = (name: string): boolean =>
      this.#network.signature.inputs.some((tensor) => tensor.name === name);
    const scales = takes(SCALE);
    const rows = sample.dims[0] ?? 1;
    const outputs = await this.#network.run({
      sample,
      timestep: timestepTensor(this.#network.input("timestep"), timestep, rows),
      encoder_hidden_states: embeddings,
      [this.#hint]: hint,
      ...(scales && { [SCALE]: numbersFor(this.#network.input(SCALE), [], [strength]) }),
      ...Object.fromEntries(Object.entries(extras).filter(([name]) => takes(name))),
    });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [
        residualName(name),
        scales ? tensor : scaled(tensor, strength),
      ]),
    );
  }

  async release(): Promise<void> {
    await this.#network.release();
  }
}

const takePictures: EdgeChange = (edge, { inputs }) => {
  const { dtype } = inputs.find(({ name }) => name === HINT) ?? {};
  const picture = edge.feed(PICTURE, "uint8", ["N", 3, "picture height", "picture width"]);
  const format = { ...PIXELS, ...(dtype === "float16" && { dtype }) };
  edge.replace(HINT, fromPicture(edge.before, picture, format));
  return new Set([HINT]);
};

/** `down_block_res_samples.3` is what the denoiser takes as `down_block_additional_residuals.3`. */
function residualName(output: string): string {
  if (output === "mid_block_res_sample") return "mid_block_additional_residual";
  const [, index] = /^down_block_res_samples?[._](\d+)$/.exec(output) ?? [];
  if (index !== undefined) return `down_block_additional_residuals.${index}`;
  throw new WorkerError("model_failed", `the ControlNet has an unknown output ${output}`);
}

const scaled = (tensor: Tensor, factor: number): Tensor => ({
  ...{ dtype: "float32", dims: tensor.dims },
  data: (tensor.data as Float32Array).map((value) => value * factor),
});
