/** The two halves of a variational autoencoder: pictures to latents and back, with the pixels converted inside the graphs. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { value } from "../../models/graph-builder.ts";
import { pictureTensor } from "../../models/roles/frame.ts";
import { pictureOf } from "../../models/roles/image-output.ts";
import { fromPicture, toPicture } from "../../models/roles/pixel-graph.ts";
import type { PixelFormat } from "../../models/roles/pixels.ts";
import type { StillPicture } from "../../models/roles/role.ts";
import type { Tensor } from "../../models/tensor.ts";
import { type EdgeChange, Network } from "./network.ts";

/** Pictures of diffusion networks: −1 is black, 1 is white. */
const format = (dtype: PixelFormat["dtype"]): PixelFormat => ({
  layout: "nchw",
  channels: "rgb",
  dtype,
  range: [-1, 1],
  mean: [0],
  std: [1],
  scale: 1,
  zeroPoint: 0,
});

const PICTURE = "picture";

/** Encodes pictures. A picture's sides must be multiples of 8, or of what the network shrinks by. */
export class VaeEncoder {
  readonly #network: Network;
  readonly #output: string;

  private constructor(network: Network) {
    this.#network = network;
    this.#output = network.signature.outputs[0]?.name ?? "";
  }

  static async open(path: string, settings: SessionSettings): Promise<VaeEncoder> {
    const change: EdgeChange = (edge, { inputs: [sample] }) => {
      if (sample === undefined) return new Set();
      const picture = edge.feed(PICTURE, "uint8", ["N", 3, "picture height", "picture width"]);
      const pixels = format(sample.dtype === "float16" ? "float16" : "float32");
      edge.replace(sample.name, fromPicture(edge.before, picture, pixels));
      return new Set([sample.name]);
    };
    return new VaeEncoder(await Network.open(path, settings, { edge: change }));
  }

  /**
   * float32 `[1, channels, height / 8, width / 8]`, not scaled: the latent itself, or twice the channels of one, its
   * mean and the logarithm of its variance (`isDistribution`).
   */
  async encode(picture: StillPicture): Promise<Tensor> {
    const outputs = await this.#network.run({ [PICTURE]: pictureTensor(picture) });
    const latent = outputs[this.#output];
    if (latent === undefined) throw new WorkerError("model_failed", "the VAE encoder gave nothing");
    return latent;
  }

  /** True where `encode` gives mean and variance. */
  get isDistribution(): boolean {
    return this.#output === "latent_parameters";
  }

  async release(): Promise<void> {
    await this.#network.release();
  }
}

export class VaeDecoder {
  readonly #network: Network;
  readonly #input: string;

  private constructor(network: Network) {
    this.#network = network;
    this.#input = network.signature.inputs[0]?.name ?? "";
  }

  static async open(path: string, settings: SessionSettings): Promise<VaeDecoder> {
    const change: EdgeChange = (edge, { outputs: [sample] }) => {
      if (sample === undefined) return new Set();
      const pixels = format(sample.dtype === "float16" ? "float16" : "float32");
      const picture = toPicture(edge.after, value(sample.name), pixels);
      edge.output(PICTURE, picture, "uint8", ["N", 3, "picture height", "picture width"]);
      return new Set([sample.name]);
    };
    return new VaeDecoder(await Network.open(path, settings, { edge: change }));
  }

  /** The picture of a latent that is not scaled, float32 `[1, channels, height, width]`; its values are rounded. */
  async decode(latent: Tensor): Promise<Picture> {
    const outputs = await this.#network.run({ [this.#input]: latent });
    return pictureOf(outputs[PICTURE]);
  }

  async release(): Promise<void> {
    await this.#network.release();
  }
}
