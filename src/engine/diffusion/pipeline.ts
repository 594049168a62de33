/** A diffusion pipeline: makes a picture of prompts, and of the video frame where there is one. Used in workers. */
import type { Picture } from "../../media/picture.ts";
import type { SessionSettings } from "../device/devices.ts";
import type { StillPicture } from "../models/roles/role.ts";
import type { Tensor } from "../models/tensor.ts";
import type { Size } from "../protocol/work.ts";
import { Conditioner, type ConditioningPair } from "./conditioner.ts";
import { Denoiser } from "./networks/denoiser.ts";
import { VaeDecoder, VaeEncoder } from "./networks/vae.ts";
import type { PipelineFolder } from "./pipeline-folder.ts";
import { type PipelineSampling, samplingOf } from "./pipeline-sampling.ts";
import { guide } from "./sampler/guidance.ts";
import { kSample } from "./sampler/k-sampler.ts";
import type { Latent, LatentShape } from "./sampler/latent.ts";
import { modelDenoise, type Predict } from "./sampler/model-denoise.ts";
import type { SamplerName } from "./sampler/named-samplers.ts";
import type { StepSeed } from "./sampler/sample-latent.ts";
import type { ScheduleName } from "./schedule/named-schedules.ts";
import type { Conditioning } from "./text/conditioning.ts";
import { equalTokens } from "./text/conditioning.ts";

export interface PictureRequest {
  /** The video frame; its sides are multiples of 8. Null: drawn from noise alone, in `size`. */
  readonly picture: StillPicture | null;
  readonly size: Size;
  readonly conditioning: ConditioningPair;
  readonly steps: number;
  /** 0 keeps the video, 1 ignores it. */
  readonly strength: number;
  readonly guidance: number;
  readonly seed: bigint;
  /** In place of what the pipeline's scheduler stands for. */
  readonly sampling?: {
    readonly sampler: SamplerName;
    readonly schedule: ScheduleName;
    readonly stepSeed?: StepSeed;
  };
}

interface Networks {
  readonly conditioner: Conditioner;
  readonly denoiser: Denoiser;
  readonly encoder: VaeEncoder | null;
  readonly decoder: VaeDecoder;
}

export class DiffusionPipeline {
  readonly #networks: Networks;
  readonly #sampling: PipelineSampling;
  readonly #scale: number;

  private constructor(networks: Networks, sampling: PipelineSampling, scale: number) {
    this.#networks = networks;
    this.#sampling = sampling;
    this.#scale = scale;
  }

  static async open(
    pipeline: PipelineFolder,
    settings: SessionSettings,
  ): Promise<DiffusionPipeline> {
    const { networks, scheduler, scalingFactor } = pipeline;
    const encoder = networks.vae_encoder;
    const opened = {
      conditioner: await Conditioner.open(pipeline, settings),
      denoiser: await Denoiser.open(networks.unet ?? "", settings),
      encoder: encoder === undefined ? null : await VaeEncoder.open(encoder, settings),
      decoder: await VaeDecoder.open(networks.vae_decoder ?? "", settings),
    };
    return new DiffusionPipeline(opened, samplingOf(scheduler), scalingFactor);
  }

  get conditioner(): Conditioner {
    return this.#networks.conditioner;
  }

  /** The picture's sides are those of the frame, or of `size` cut to multiples of 8. */
  async draw(request: PictureRequest): Promise<Picture> {
    return await this.#networks.decoder.decode(await this.sample(request));
  }

  /** As `draw`, before it is decoded: float32 `[1, channels, height / 8, width / 8]`, not scaled. */
  async sample(request: PictureRequest): Promise<Tensor> {
    const { steps, strength, guidance, conditioning, seed } = request;
    const latent = await this.#latentOf(request);
    const { table, prediction, sampler, schedule } = this.#sampling;
    const predict = this.#guided(latent.shape, conditioning, guidance, request.size);
    const { samples } = await kSample(
      { denoise: modelDenoise(predict, { table, prediction }), table, latentScale: this.#scale },
      latent,
      {
        ...{ sampler, schedule, ...request.sampling, steps, seed },
        denoise: request.picture === null ? 1 : strength,
      },
    );
    return tensorOf(samples, latent.shape);
  }

  async release(): Promise<void> {
    const { conditioner, denoiser, encoder, decoder } = this.#networks;
    for (const network of [conditioner, denoiser, encoder, decoder]) await network?.release();
  }

  /** Of the frame: the mean of what the VAE gives, as ComfyUI takes it; of nothing: zeros. */
  async #latentOf({ picture, size }: PictureRequest): Promise<Latent> {
    const { encoder, denoiser } = this.#networks;
    const channels = denoiser.channels ?? 4;
    const sides = [Math.max(1, size.height >> 3), Math.max(1, size.width >> 3)] as const;
    if (picture === null || encoder === null) {
      const shape: LatentShape = [1, channels, ...sides];
      return { samples: new Float32Array(channels * sides[0] * sides[1]), shape };
    }
    const { data, dims } = await encoder.encode(picture);
    const shape: LatentShape = [1, channels, dims[2] ?? 1, dims[3] ?? 1];
    const count = channels * shape[2] * shape[3];
    return { samples: (data as Float32Array).slice(0, count), shape };
  }

  /** One evaluation with guidance: positive and negative in one batch where they are equally long. */
  #guided(shape: LatentShape, pair: ConditioningPair, guidance: number, size: Size): Predict {
    const { positive, negative } = pair;
    const one =
      (conditioning: Conditioning): Predict =>
      async (sample, timestep) => {
        const predicted = await this.#networks.denoiser.predict({
          sample: tensorOf(sample, shape),
          timestep,
          embeddings: tensorOf(conditioning.embeddings, [
            1,
            conditioning.tokens,
            conditioning.width,
          ]),
          extras: this.#extras([conditioning], size),
        });
        return predicted.data as Float32Array;
      };
    if (guidance === 1) return one(positive);
    const equal = equalTokens(positive, negative);
    if (equal === null) {
      return async (sample, timestep) =>
        guide(
          await one(positive)(sample, timestep),
          await one(negative)(sample, timestep),
          guidance,
        );
    }
    const [long, other] = equal;
    const embeddings = tensorOf(twice(long.embeddings, other.embeddings), [
      2,
      long.tokens,
      long.width,
    ]);
    const [, ...rest] = shape;
    return async (sample, timestep) => {
      const { data } = await this.#networks.denoiser.predict({
        sample: tensorOf(twice(sample, sample), [2, ...rest]),
        timestep,
        embeddings,
        extras: this.#extras([long, other], size),
      });
      const both = data as Float32Array;
      const half = both.length / 2;
      return guide(both.subarray(0, half), both.subarray(half), guidance);
    };
  }

  /** What SDXL's denoiser takes besides: the pooled vectors, and sizes as it was trained with them. */
  #extras(conditionings: readonly Conditioning[], { width, height }: Size): Record<string, Tensor> {
    const { denoiser } = this.#networks;
    const batch = conditionings.length;
    const extras: Record<string, Tensor> = {};
    const [pooled] = conditionings.map((each) => each.pooled);
    if (denoiser.takes("text_embeds") && pooled) {
      const all = conditionings.map((each) => each.pooled ?? new Float32Array(pooled.length));
      const data = all.length === 1 ? pooled : twice(pooled, all[1] ?? pooled);
      extras["text_embeds"] = tensorOf(data, [batch, pooled.length]);
    }
    if (denoiser.takes("time_ids")) {
      const ids = [height, width, 0, 0, height, width];
      const data = Float32Array.from(conditionings.flatMap(() => ids));
      extras["time_ids"] = tensorOf(data, [batch, ids.length]);
    }
    return extras;
  }
}

const tensorOf = (data: Float32Array, dims: readonly number[]): Tensor => ({
  ...{ dtype: "float32", dims, data },
});

function twice(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
