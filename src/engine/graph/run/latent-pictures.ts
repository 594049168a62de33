/** A VAE as graphs use it: float pictures of any size to latents and back, on ComfyUI's scale. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { Network } from "../../diffusion/networks/network.ts";
import {
  LATENT_PLACE,
  type Latent,
  type LatentShape,
  latentSize,
} from "../../diffusion/sampler/latent.ts";
import type { Tensor } from "../../models/tensor.ts";
import { checkedShape } from "./latents.ts";
import { croppedToMultiples, eachOf, stacked, toPixels, toPlanes } from "./pixels.ts";
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
   * `invalid_request` for pictures of fewer than 8 pixels a side or too many pixels, and without an encoder.
   */
  async encode(images: Images): Promise<Latent> {
    const cut = croppedToMultiples(images);
    const [height, width] = [cut.height / LATENT_PLACE, cut.width / LATENT_PLACE];
    checkedShape([cut.batch, 1, height, width]);
    this.#encoder ??= this.#open(this.#files.encoder, "encoder");
    const network = await this.#encoder;
    // One by one: a network takes gigabytes for a large picture.
    const encoded: Latent[] = [];
    for (const image of eachOf(cut)) encoded.push(await encodeOne(network, image));
    const [{ shape }] = encoded as [Latent];
    const [, ...sides] = shape;
    const size = latentSize(shape);
    const samples = new Float32Array(cut.batch * size);
    for (const [at, one] of encoded.entries()) samples.set(one.samples, at * size);
    return { samples: scaled(samples, this.#files.scale), shape: [cut.batch, ...sides] };
  }

  /** Pictures from 0 to 1. Throws `invalid_request` without a decoder. */
  async decode({ samples, shape }: Latent): Promise<Images> {
    this.#decoder ??= this.#open(this.#files.decoder, "decoder");
    const network = await this.#decoder;
    const [batch, ...sides] = shape;
    const size = samples.length / batch;
    const decoded: Images[] = [];
    for (let at = 0; at < batch; at++) {
      const one = samples.slice(at * size, (at + 1) * size);
      const tensor = { dtype: "float32" as const, dims: [1, ...sides] };
      decoded.push(
        await decodeOne(network, { ...tensor, data: scaled(one, 1 / this.#files.scale) }),
      );
    }
    return stacked(decoded);
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

/** The mean of one picture's latent. */
async function encodeOne(network: Network, image: Images): Promise<Latent> {
  const [input] = network.signature.inputs;
  const [output] = network.signature.outputs;
  const dims = [1, 3, image.height, image.width];
  const pixels = { dtype: "float32" as const, dims, data: toPlanes(image) };
  const encoded = (await network.run({ [input?.name ?? ""]: pixels }))[output?.name ?? ""];
  if (encoded === undefined) throw new WorkerError("model_failed", "the VAE encoder gave nothing");
  const [, channels = 0, height = 0, width = 0] = encoded.dims;
  // A distribution has twice the channels: the means come first.
  const isDistribution = output?.name === "latent_parameters";
  const shape: LatentShape = [1, isDistribution ? channels / 2 : channels, height, width];
  return { samples: (encoded.data as Float32Array).slice(0, latentSize(shape)), shape };
}

async function decodeOne(network: Network, latent: Tensor): Promise<Images> {
  const [input] = network.signature.inputs;
  const [output] = network.signature.outputs;
  const decoded = (await network.run({ [input?.name ?? ""]: latent }))[output?.name ?? ""];
  if (decoded === undefined) throw new WorkerError("model_failed", "the VAE decoder gave nothing");
  const [, , height = 0, width = 0] = decoded.dims;
  return toPixels(decoded.data as Float32Array, { batch: 1, height, width });
}

function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1)
    for (let at = 0; at < values.length; at++) values[at] = (values[at] ?? 0) * factor;
  return values;
}
