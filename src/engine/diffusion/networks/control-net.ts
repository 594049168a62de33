/** A ControlNet of a diffusion folder: computes the residuals that a control picture adds to the denoiser. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { fromPicture } from "../../models/roles/pixel-graph.ts";
import { DEFAULT_PIXELS, type PixelFormat } from "../../models/roles/pixels.ts";
import { floatTensor, type Tensor } from "../../models/tensor.ts";
import type { DenoiserInput } from "./denoiser.ts";
import { type EdgeChange, Network, numbersFor } from "./network.ts";
import { type BatchInput, runRows } from "./row-runs.ts";
import { takesTimestepPerRow, timestepTensor, widenTimestep } from "./timestep-input.ts";

const SCALE = "conditioning_scale";

const HINT = "controlnet_cond";
/** What the hint is fed as in place of floats. */
const PICTURE = "control picture";

/** Pictures are from 0 to 1 inside. */
const PIXELS: PixelFormat = { ...DEFAULT_PIXELS, range: [0, 1] };

export interface ControlInput extends Pick<DenoiserInput, "sample" | "timestep" | "embeddings"> {
  /** `[batch, 3, height, width]`, eight times as large as the sample: float32 from 0 to 1, or uint8 for "pictures". */
  readonly hint: Tensor;
  /** Factor of all residuals. */
  readonly strength: number;
  /** "rising": from a tenth of the strength at the first residual to all of it at the last. Default: "even". */
  readonly depths?: ControlDepths;
  /** What SDXL's networks take besides, by input name; what this one does not take is left out. */
  readonly extras?: Readonly<Record<string, Tensor>>;
}

/** How strongly residuals of different depths count. */
export type ControlDepths = "even" | "rising";

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

  /**
   * Residuals by the names that the denoiser takes them by. A network whose file fixes the number of rows runs as often as
   * the rows need.
   */
  async residuals(input: ControlInput): Promise<Record<string, Tensor>> {
    const { hint, strength, depths = "even", extras = {} } = input;
    const known = Object.entries(extras).filter(([name]) => this.#takes(name));
    const rows = { ...input, extras: { ...Object.fromEntries(known), [this.#hint]: hint } };
    const outputs = Object.entries(
      await runRows(rows, this.fixedRows, async (some) => await this.#run(some, strength)),
    );
    const factor = this.#takes(SCALE) ? 1 : strength;
    return Object.fromEntries(
      outputs.map(([output, tensor]) => {
        const name = residualName(output);
        const share = depths === "even" ? 1 : depthShare(name, outputs.length);
        return [name, factor * share === 1 ? tensor : scaled(tensor, factor * share)];
      }),
    );
  }

  async #run(
    { sample, timestep, embeddings, extras }: BatchInput,
    strength: number,
  ): Promise<Record<string, Tensor>> {
    return await this.#network.run({
      sample,
      timestep: timestepTensor(this.#network.input("timestep"), timestep, sample.dims[0] ?? 1),
      encoder_hidden_states: embeddings,
      ...(this.#takes(SCALE) && {
        [SCALE]: numbersFor(this.#network.input(SCALE), [], [strength]),
      }),
      ...extras,
    });
  }

  #takes(name: string): boolean {
    return this.#network.signature.inputs.some((tensor) => tensor.name === name);
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

/**
 * diffusers' guess mode: residuals count more the deeper they are, evenly in the logarithm from 0.1 to 1 (Zhang et al.
 * 2023). That of the middle is the last.
 */
function depthShare(name: string, count: number): number {
  const [index] = /\d+$/.exec(name) ?? [];
  return index === undefined ? 1 : 10 ** (Number(index) / Math.max(1, count - 1) - 1);
}

/** `down_block_res_samples.3` is what the denoiser takes as `down_block_additional_residuals.3`. */
function residualName(output: string): string {
  if (output === "mid_block_res_sample") return "mid_block_additional_residual";
  const [, index] = /^down_block_res_samples?[._](\d+)$/.exec(output) ?? [];
  if (index !== undefined) return `down_block_additional_residuals.${index}`;
  throw new WorkerError("model_failed", `the ControlNet has an unknown output ${output}`);
}

const scaled = ({ data, dims }: Tensor, factor: number): Tensor =>
  floatTensor(
    (data as Float32Array).map((value) => value * factor),
    dims,
  );
