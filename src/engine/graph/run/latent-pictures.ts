/** A VAE as graphs use it: float pictures of any size to latents and back, on ComfyUI's scale. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { Network } from "../../diffusion/networks/network.ts";
import type { Latent, LatentShape } from "../../diffusion/sampler/latent.ts";
import { SHRINKS_BY } from "./latents.ts";
import { croppedToMultiples, toPixels, toPlanes } from "./pixels.ts";
import type { Images } from "./values.ts";

export interface VaeFiles {
  /** Paths of ONNX files; null where a folder has no such half. */
  readonly encoder: string | null;
  readonly decoder: string | null;
  /** Factor from what the networks give to a LATENT; not 1 for tiny autoencoders, whose latents are scaled already. */
  readonly scale: number;
}

export class LatentPictures {
  readonly #files: VaeFiles;
  readonly #settings: SessionSettings;
  #encoder: Promise<Network> | null = null;
  #decoder: Promise<Network> | null = null;

  /** Each half is opened when it is first needed. */
  constructor(files: VaeFiles, settings: SessionSettings) {
    this.#files = files;
    this.#settings = settings;
  }

  /**
   * The mean of the latent. Sides that are not multiples of 8 are cut at both ends, as ComfyUI does. Throws
   * `invalid_request` for pictures of fewer than 8 pixels a side, and without an encoder.
   */
  async encode(images: Images): Promise<Latent> {
    const cut = croppedToMultiples(images);
    this.#encoder ??= this.#open(this.#files.encoder, "encoder");
    const network = await this.#encoder;
    const [input] = network.signature.inputs;
    const [output] = network.signature.outputs;
    const [height, width] = [cut.height / SHRINKS_BY, cut.width / SHRINKS_BY];
    const outputs = await network.run({
      [input?.name ?? ""]: {
        ...{ dtype: "float32" as const, data: toPlanes(cut) },
        dims: [cut.batch, 3, cut.height, cut.width],
      },
    });
    const encoded = outputs[output?.name ?? ""];
    if (encoded === undefined)
      throw new WorkerError("model_failed", "the VAE encoder gave nothing");
    // A distribution has twice the channels: the means come first.
    const isDistribution = output?.name === "latent_parameters";
    const channels = (encoded.dims[1] ?? 0) / (isDistribution ? 2 : 1);
    const shape: LatentShape = [
      cut.batch,
      channels,
      encoded.dims[2] ?? height,
      encoded.dims[3] ?? width,
    ];
    const size = channels * shape[2] * shape[3];
    const stride = encoded.data.length / cut.batch;
    const data = encoded.data as Float32Array;
    const samples = new Float32Array(cut.batch * size);
    for (let picture = 0; picture < cut.batch; picture++) {
      samples.set(data.subarray(picture * stride, picture * stride + size), picture * size);
    }
    return { samples: scaled(samples, this.#files.scale), shape };
  }

  /** Pictures from 0 to 1. Throws `invalid_request` without a decoder. */
  async decode({ samples, shape }: Latent): Promise<Images> {
    this.#decoder ??= this.#open(this.#files.decoder, "decoder");
    const network = await this.#decoder;
    const [input] = network.signature.inputs;
    const [output] = network.signature.outputs;
    const outputs = await network.run({
      [input?.name ?? ""]: {
        ...{ dtype: "float32" as const, dims: shape },
        data: scaled(samples.slice(), 1 / this.#files.scale),
      },
    });
    const decoded = outputs[output?.name ?? ""];
    if (decoded === undefined)
      throw new WorkerError("model_failed", "the VAE decoder gave nothing");
    const [batch = 1, , height = 0, width = 0] = decoded.dims;
    return toPixels(decoded.data as Float32Array, { batch, height, width });
  }

  async release(): Promise<void> {
    for (const network of [this.#encoder, this.#decoder]) {
      await (await network?.catch(() => null))?.release(); // one that failed to open holds nothing
    }
  }

  async #open(path: string | null, half: string): Promise<Network> {
    if (path !== null) return await Network.open(path, this.#settings);
    const problem = `the VAE has no ${half}`;
    throw new WorkerError(
      "invalid_request",
      `${problem}: load one with vae_${half}/model.onnx, or export it`,
    );
  }
}

function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1)
    for (let at = 0; at < values.length; at++) values[at] = (values[at] ?? 0) * factor;
  return values;
}
