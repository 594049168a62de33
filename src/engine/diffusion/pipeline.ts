/** A diffusion pipeline: draws a picture from prompts, and from the video frame if there is one. Used in workers. */
import type { Picture } from "../../media/picture.ts";
import type { SessionSettings } from "../device/devices.ts";
import type { StillPicture } from "../models/roles/role.ts";
import { floatTensor, type Tensor } from "../models/tensor.ts";
import type { Size } from "../protocol/work.ts";
import { ConditionedDenoiser } from "./conditioned-denoiser.ts";
import { Conditioner, type ConditioningPair } from "./conditioner.ts";
import { sampleAsDiffusers } from "./diffusers-sampling.ts";
import { ControlNet } from "./networks/control-net.ts";
import { Denoiser } from "./networks/denoiser.ts";
import { VaeDecoder, VaeEncoder } from "./networks/vae.ts";
import { CONTROL_NETS, type PipelineFolder } from "./pipeline-folder.ts";
import { type PipelineSampling, samplingOf } from "./pipeline-sampling.ts";
import type { PictureSizes } from "./row-groups.ts";
import { type Controls, NO_CONTROLS, RunControls } from "./run-controls.ts";
import { combine } from "./sampler/combine.ts";
import { schedulerConfig } from "./sampler/diffusers/scheduler-config.ts";
import { type KSamplerRequest, kSample } from "./sampler/k-sampler.ts";
import {
  type EncodedLatent,
  LATENT_PLACE,
  type LatentShape,
  latentSize,
} from "./sampler/latent.ts";
import type { SamplerName } from "./sampler/named-samplers.ts";
import {
  denoiseByPrompts,
  type Evaluate,
  type Evaluation,
  type Guidance,
} from "./sampler/prompt-guidance.ts";
import type { StepSeed } from "./sampler/sample-latent.ts";
import type { SamplingRules } from "./sampling-rules.ts";
import type { ScheduleName } from "./schedule/named-schedules.ts";

/** How a latent is drawn. */
export interface DrawSettings {
  readonly steps: number;
  /** 0 keeps the latent that the run starts from, 1 ignores it. */
  readonly strength: number;
  readonly guidance: Guidance;
  readonly seed: bigint;
  /** What the run starts from besides the latent; by default noise of the seed. */
  readonly noise?: Float32Array;
  readonly rounding?: KSamplerRequest["rounding"];
  /** For pipelines with ControlNets, which are left out without it. */
  readonly controls?: Controls;
  /** Whose rules the run follows. Default: ComfyUI's. */
  readonly rules?: SamplingRules;
  /** By diffusers' rules, share of the noise of a DDPM step for DDIM. Default: 0. */
  readonly eta?: number;
  /** By diffusers' rules, share to which guidance keeps the contrast of the positive prediction. Default: 0. */
  readonly guidanceRescale?: number;
  /** In place of what the pipeline's scheduler stands for. */
  readonly sampling?: {
    readonly sampler: SamplerName;
    readonly schedule: ScheduleName;
    readonly stepSeed?: StepSeed;
  };
}

export interface PictureRequest extends DrawSettings {
  /** The video frame; its sides are multiples of 8. Null: drawn from noise alone, in `size`. */
  readonly picture: StillPicture | null;
  readonly size: Size;
  readonly conditioning: ConditioningPair;
  /** SDXL's. Default: those of a picture that was neither resized nor cropped. */
  readonly sizes?: PictureSizes;
}

/** What all evaluations of a run share. */
export interface RunContext {
  readonly conditioning: ConditioningPair;
  /** Of the latent. */
  readonly shape: LatentShape;
  readonly sizes: PictureSizes;
  /** For networks that take it as a vector. */
  readonly guidance: number;
}

interface Networks {
  readonly conditioner: Conditioner;
  readonly denoiser: ConditionedDenoiser;
  readonly controlNets: readonly ControlNet[];
  readonly encoder: VaeEncoder | null;
  readonly decoder: VaeDecoder;
}

export class DiffusionPipeline {
  readonly #networks: Networks;
  readonly #sampling: PipelineSampling;
  readonly #scale: number;
  /** The content of its scheduler's configuration. */
  readonly #scheduler: PipelineFolder["scheduler"];

  private constructor(
    networks: Networks,
    { scheduler, scalingFactor }: Pick<PipelineFolder, "scheduler" | "scalingFactor">,
  ) {
    this.#networks = networks;
    this.#sampling = samplingOf(scheduler);
    this.#scheduler = scheduler;
    this.#scale = scalingFactor;
  }

  static async open(
    pipeline: PipelineFolder,
    settings: SessionSettings,
  ): Promise<DiffusionPipeline> {
    const { networks } = pipeline;
    const { vae_encoder: encoder } = networks;
    const denoiser = await Denoiser.open(networks.unet ?? "", settings);
    const controlNets: ControlNet[] = [];
    for (const part of CONTROL_NETS) {
      const path = networks[part];
      if (path !== undefined) controlNets.push(await ControlNet.open(path, settings, "pictures"));
    }
    const opened = {
      conditioner: await Conditioner.open(pipeline, settings),
      denoiser: new ConditionedDenoiser(denoiser),
      controlNets,
      encoder: encoder === undefined ? null : await VaeEncoder.open(encoder, settings),
      decoder: await VaeDecoder.open(networks.vae_decoder ?? "", settings),
    };
    return new DiffusionPipeline(opened, pipeline);
  }

  get conditioner(): Conditioner {
    return this.#networks.conditioner;
  }

  /** The denoiser. */
  get denoiser(): ConditionedDenoiser {
    return this.#networks.denoiser;
  }

  /** The picture's sides are those of the frame, or of `size` cut to multiples of 8. */
  async draw(request: PictureRequest): Promise<Picture> {
    return await this.decode(await this.sample(request));
  }

  /** As `draw`, before it is decoded: float32 `[1, channels, height / 8, width / 8]`, not scaled. */
  async sample(request: PictureRequest): Promise<Tensor> {
    const { picture, size, conditioning, guidance } = request;
    const latent = picture === null ? this.emptyLatent(size) : await this.encode(picture);
    const strength = picture === null ? 1 : request.strength;
    const { shape } = latent;
    const { sizes = wholeSizes(shape) } = request;
    const context = { conditioning, shape, sizes, guidance: guidance.scale };
    const samples = await this.run(latent, { ...request, strength }, (evaluations) =>
      this.evaluate(evaluations, context),
    );
    return floatTensor(samples, latent.shape);
  }

  /** What a run from noise alone starts from: zeros. */
  emptyLatent({ width, height }: Size): EncodedLatent {
    const shape = this.#shapeOf(Math.max(1, height >> 3), Math.max(1, width >> 3));
    return { samples: new Float32Array(latentSize(shape)), shape, isBlank: true };
  }

  /** The latent of a picture: the mean of what the VAE gives, as ComfyUI takes it. Without a VAE encoder it is empty. */
  async encode(picture: StillPicture): Promise<EncodedLatent> {
    const { encoder } = this.#networks;
    if (encoder === null) return this.emptyLatent(picture);
    const { data, dims } = await encoder.encode(picture);
    const shape = this.#shapeOf(dims[2] ?? 1, dims[3] ?? 1);
    const size = latentSize(shape);
    const samples = (data as Float32Array).slice(0, size);
    if (!encoder.isDistribution) return { samples, shape };
    const deviation = (data as Float32Array).slice(size, 2 * size).map(deviationOf);
    return { samples, shape, deviation };
  }

  /** The picture of a latent. */
  async decode({ data, dims }: Tensor): Promise<Picture> {
    return await this.#networks.decoder.decode({ dtype: "float32", dims, data });
  }

  /** Runs the sampler on a latent. `evaluate` is asked for what the network predicts. */
  async run(
    latent: EncodedLatent,
    settings: DrawSettings,
    evaluate: Evaluate,
  ): Promise<Float32Array> {
    const { steps, strength, guidance, seed, noise, rounding, sampling } = settings;
    const [, , height, width] = latent.shape;
    const size = { width: width * LATENT_PLACE, height: height * LATENT_PLACE };
    const { controlNets } = this.#networks;
    const controls = new RunControls(settings.controls ?? NO_CONTROLS, controlNets, size);
    if (settings.rules === "diffusers") {
      const { eta = 0, guidanceRescale = 0 } = settings;
      const config = schedulerConfig(this.#scheduler);
      const request = { config, steps, strength, guidance: guidance.scale, seed, controls };
      const own = { eta, guidanceRescale, scale: this.#scale };
      return await sampleAsDiffusers(latent, { ...request, ...own }, evaluate);
    }
    const { table, prediction, sampler, schedule } = this.#sampling;
    const start = (): Float32Array =>
      combine(new Float32Array(latent.samples.length), [this.#scale, latent.samples]);
    // Networks that take guidance as a vector have it inside.
    const isInside = this.denoiser.denoiser.guidanceWidth !== null;
    const { samples } = await kSample(
      {
        denoise: denoiseByPrompts(
          evaluate,
          { table, prediction },
          isInside ? { ...guidance, scale: 1 } : guidance,
          start,
          (sigma) => controls.atSigma(sigma, table),
        ),
        table,
        latentScale: this.#scale,
      },
      latent,
      {
        sampler,
        schedule,
        ...sampling,
        steps,
        seed,
        denoise: strength,
        ...(noise && { noise }),
        ...(rounding && { rounding }),
      },
    );
    return samples;
  }

  /** Runs the denoiser for evaluations of one run or of several, together where it can. */
  async evaluate(
    evaluations: readonly Evaluation[],
    { conditioning, shape, sizes, guidance }: RunContext,
  ): Promise<readonly Float32Array[]> {
    const [, , height, width] = shape;
    const rows = evaluations.map(({ input, timestep, prompt, controls = [] }) => ({
      sample: input,
      height,
      width,
      timestep,
      sizes,
      controls,
      conditioning: conditioning[prompt],
    }));
    return await this.denoiser.evaluate(rows, guidance);
  }

  async release(): Promise<void> {
    const { conditioner, denoiser, controlNets, encoder, decoder } = this.#networks;
    for (const network of [conditioner, denoiser, ...controlNets, encoder, decoder]) {
      await network?.release();
    }
  }

  #shapeOf(height: number, width: number): LatentShape {
    return [1, this.denoiser.denoiser.channels ?? 4, height, width];
  }
}

/** SDXL's sizes of a picture that was neither resized nor cropped. */
export function wholeSizes([, , height, width]: LatentShape): PictureSizes {
  const sides = [height * LATENT_PLACE, width * LATENT_PLACE] as const;
  return [...sides, 0, 0, ...sides];
}

/** Of the logarithm of a variance, bounded as in diffusers. */
const deviationOf = (logVariance: number): number =>
  Math.exp(0.5 * Math.min(20, Math.max(-30, logVariance)));
