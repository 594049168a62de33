/** The denoiser (UNet) of a diffusion folder, with what its kind takes besides: SDXL's vectors, ControlNets' residuals. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { floatTensor, type Tensor } from "../../models/tensor.ts";
import { absentResiduals, type ResidualInput, residualInputs } from "./absent-residuals.ts";
import { CONSISTENCY_GUIDANCE, guidanceEmbedding } from "./guidance-embedding.ts";
import { Network } from "./network.ts";
import { runRows } from "./row-runs.ts";
import { takesTimestepPerRow, timestepTensor, widenTimestep } from "./timestep-input.ts";

/** One evaluation. The first dimension of all tensors is the batch. */
export interface DenoiserInput {
  /** float32 `[batch, channels, height, width]`, scaled as the schedule says. */
  readonly sample: Tensor;
  /**
   * Of the schedule, 0 to 999; fractional for some schedules. One for all rows, or one each where the network
   * `takesTimestepPerRow`.
   */
  readonly timestep: number | readonly number[];
  /** float32 `[batch, tokens, width]`. */
  readonly embeddings: Tensor;
  /** By input name: `text_embeds`, `time_ids`, `timestep_cond`, residuals of a ControlNet. */
  readonly extras?: Readonly<Record<string, Tensor>>;
}

/** The input of consistency models that were trained with the guidance inside. */
const GUIDANCE = "timestep_cond";
const USUAL_GUIDANCE_WIDTH = 256;

export class Denoiser {
  readonly #network: Network;
  readonly #output: string;
  readonly #residuals: readonly ResidualInput[];

  private constructor(network: Network, residuals: readonly ResidualInput[]) {
    this.#network = network;
    this.#residuals = residuals;
    this.#output = network.signature.outputs[0]?.name ?? "";
  }

  /** `path`: of its ONNX file. */
  static async open(path: string, settings: SessionSettings): Promise<Denoiser> {
    const network = await Network.open(path, settings, { graph: widenTimestep });
    for (const name of ["sample", "timestep", "encoder_hidden_states"]) network.input(name);
    return new Denoiser(network, await residualInputs(network.signature, path));
  }

  /** True for networks that take this input, such as `time_ids`. */
  takes(name: string): boolean {
    return this.#network.signature.inputs.some((tensor) => tensor.name === name);
  }

  /** True for networks that ControlNets can steer. */
  get takesResiduals(): boolean {
    return this.#residuals.length > 0;
  }

  /** True for residuals of a ControlNet that was made for this kind of network. */
  fitsResiduals(residuals: Readonly<Record<string, Tensor>>): boolean {
    return Object.entries(residuals).every(([name, { dims }]) => {
      return this.#residuals.some((one) => one.name === name && one.channels === dims[1]);
    });
  }

  /** The channels of a latent, where the file fixes them. */
  get channels(): number | null {
    return this.#network.fixedDim("sample", 1);
  }

  /** The numbers in the vector of a token, where the file fixes them. */
  get tokenWidth(): number | null {
    return this.#network.fixedDim("encoder_hidden_states", 2);
  }

  /** The numbers in SDXL's vector of a whole prompt, where the file fixes them; null for networks that take none, too. */
  get pooledWidth(): number | null {
    return this.takes("text_embeds") ? this.#network.fixedDim("text_embeds", 1) : null;
  }

  /** The number of rows that every run must have, where the file fixes it; null where it takes any. */
  get fixedRows(): number | null {
    return this.#network.fixedDim("sample", 0);
  }

  /** True if the rows of a run may be at timesteps of their own. */
  get takesTimestepPerRow(): boolean {
    return takesTimestepPerRow(this.#network.input("timestep"), this.fixedRows);
  }

  /** The width of the vector that says how strongly to guide; null for networks without that input (most). */
  get guidanceWidth(): number | null {
    if (!this.takes(GUIDANCE)) return null;
    const width = this.#network.input(GUIDANCE).dims?.[1];
    return typeof width === "number" ? width : USUAL_GUIDANCE_WIDTH;
  }

  /**
   * What the network was trained to predict, float32 of the sample's shape. Residuals that are absent are zeros. A network
   * whose file fixes the number of rows runs as often as the rows need.
   */
  async predict(input: DenoiserInput): Promise<Tensor> {
    const { predicted } = await runRows(input, this.fixedRows, async (rows) => {
      return { predicted: await this.#run(rows) };
    });
    if (predicted === undefined) throw new Error("there are no rows");
    return predicted;
  }

  async #run({ sample, timestep, embeddings, extras = {} }: DenoiserInput): Promise<Tensor> {
    const rows = sample.dims[0] ?? 1;
    const absent = this.#residuals.filter(({ name }) => extras[name] === undefined);
    const outputs = await this.#network.run({
      sample,
      timestep: timestepTensor(this.#network.input("timestep"), timestep, rows),
      encoder_hidden_states: embeddings,
      ...absentResiduals(absent, sample),
      ...this.#usualGuidance(rows, extras),
      ...extras,
    });
    const predicted = outputs[this.#output];
    if (predicted === undefined) throw new WorkerError("model_failed", "the denoiser gave nothing");
    return predicted;
  }

  #usualGuidance(rows: number, extras: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const width = this.guidanceWidth;
    if (width === null || extras[GUIDANCE] !== undefined) return {};
    return { [GUIDANCE]: guidanceTensor(CONSISTENCY_GUIDANCE, { rows, width }) };
  }

  async release(): Promise<void> {
    await this.#network.release();
  }
}

/** The input `timestep_cond` for these rows: the same guidance for all. */
export function guidanceTensor(
  guidance: number,
  { rows, width }: { readonly rows: number; readonly width: number },
): Tensor {
  const data = new Float32Array(rows * width);
  const embedding = guidanceEmbedding(guidance, width);
  for (let row = 0; row < rows; row++) data.set(embedding, row * width);
  return floatTensor(data, [rows, width]);
}
