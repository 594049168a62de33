/** A ControlNet of a diffusion folder: what a control picture adds to the denoiser's features. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import type { Tensor } from "../../models/tensor.ts";
import type { DenoiserInput } from "./denoiser.ts";
import { Network, numbersFor } from "./network.ts";

const SCALE = "conditioning_scale";

export interface ControlInput extends Pick<DenoiserInput, "sample" | "embeddings"> {
  /** Of the schedule, for all rows. */
  readonly timestep: number;
  /** float32 `[batch, 3, height, width]` from 0 to 1, eight times as large as the sample. */
  readonly hint: Tensor;
  /** Factor of all residuals. */
  readonly strength: number;
}

export class ControlNet {
  readonly #network: Network;

  private constructor(network: Network) {
    this.#network = network;
  }

  /** `path`: of its ONNX file. */
  static async open(path: string, settings: SessionSettings): Promise<ControlNet> {
    const network = await Network.open(path, settings);
    for (const name of ["sample", "timestep", "encoder_hidden_states", "controlnet_cond"]) {
      network.input(name);
    }
    return new ControlNet(network);
  }

  /** Residuals by the names that the denoiser takes them by. */
  async residuals(input: ControlInput): Promise<Record<string, Tensor>> {
    const { sample, timestep, embeddings, hint, strength } = input;
    const time = this.#network.input("timestep");
    const scales = this.#network.signature.inputs.some(({ name }) => name === SCALE);
    const outputs = await this.#network.run({
      sample,
      timestep: numbersFor(time, time.dims?.length === 0 ? [] : [1], [timestep]),
      encoder_hidden_states: embeddings,
      controlnet_cond: hint,
      ...(scales && { [SCALE]: numbersFor(this.#network.input(SCALE), [], [strength]) }),
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
