/** The denoiser (UNet) of a diffusion folder, with what its kind takes besides: SDXL's vectors, ControlNets' residuals. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import type { Tensor } from "../../models/tensor.ts";
import { absentResiduals, type ResidualInput, residualInputs } from "./absent-residuals.ts";
import { Network, numbersFor } from "./network.ts";

/** One evaluation. The first dimension of all tensors is the batch. */
export interface DenoiserInput {
  /** float32 `[batch, channels, height, width]`, scaled as the schedule says. */
  readonly sample: Tensor;
  /** Of the schedule, 0 to 999; fractional for some schedules. */
  readonly timestep: number;
  /** float32 `[batch, tokens, width]`. */
  readonly embeddings: Tensor;
  /** By input name: `text_embeds`, `time_ids`, residuals of a ControlNet. */
  readonly extras?: Readonly<Record<string, Tensor>>;
}

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
    const network = await Network.open(path, settings);
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

  /** The channels of a latent, where the file fixes them. */
  get channels(): number | null {
    const channels = this.#network.input("sample").dims?.[1];
    return typeof channels === "number" ? channels : null;
  }

  /** What the network was trained to predict, float32 of the sample's shape. Residuals that are absent are zeros. */
  async predict({ sample, timestep, embeddings, extras = {} }: DenoiserInput): Promise<Tensor> {
    const time = this.#network.input("timestep");
    const batch = sample.dims[0] ?? 1;
    const steps = time.dims?.[0];
    // Exports take one timestep for the whole batch: as a scalar, a list of one, or one a sample.
    const dims = time.dims?.length === 0 ? [] : [steps === batch ? batch : 1];
    const count = dims[0] ?? 1;
    const absent = this.#residuals.filter(({ name }) => extras[name] === undefined);
    const outputs = await this.#network.run({
      sample,
      timestep: numbersFor(
        time,
        dims,
        Array.from({ length: count }, () => timestep),
      ),
      encoder_hidden_states: embeddings,
      ...absentResiduals(absent, sample),
      ...extras,
    });
    const predicted = outputs[this.#output];
    if (predicted === undefined) throw new WorkerError("model_failed", "the denoiser gave nothing");
    return predicted;
  }

  async release(): Promise<void> {
    await this.#network.release();
  }
}
