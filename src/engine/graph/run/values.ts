/** Defines what flows along the links of a running graph. Values are shared between nodes and runs: never written to. */
import type { ConditionedDenoiser } from "../../diffusion/conditioned-denoiser.ts";
import type { Conditioner } from "../../diffusion/conditioner.ts";
import type { ControlNet } from "../../diffusion/networks/control-net.ts";
import type { PictureSizes } from "../../diffusion/row-groups.ts";
import type { Latent } from "../../diffusion/sampler/latent.ts";
import type { ModelSampling } from "../../diffusion/sampler/model-denoise.ts";
import type { SamplerMethod } from "../../diffusion/sampler/named-samplers.ts";
import type { NoiseTraining } from "../../diffusion/schedule/sigma-table.ts";
import type { Conditioning } from "../../diffusion/text/conditioning.ts";
import type { LatentPictures } from "./latent-pictures.ts";

/** Pictures of a batch: f32 NHWC, as a rule from 0 to 1 (nodes between may leave the range). */
export interface Images {
  readonly data: Float32Array;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  /** 3, or 4 with alpha. */
  readonly channels: number;
}

/** Masks of a batch: f32 `[batch, height, width]`. */
export interface Mask {
  readonly values: Float32Array;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
}

/** A MODEL: a denoiser and how it is sampled. */
export interface GraphModel {
  readonly denoiser: ConditionedDenoiser;
  readonly sampling: ModelSampling;
  /** How the network was trained, for nodes that replace `sampling`. */
  readonly training: NoiseTraining;
  /** Factor from a LATENT to the sampler's scale. */
  readonly latentScale: number;
  /** RescaleCFG's multiplier; 0 leaves guidance as it is. */
  readonly rescale: number;
}

/** A CLIP: the text encoders of a folder. */
export interface GraphClip {
  readonly conditioner: Conditioner;
  /** CLIPSetLastLayer's; null for the encoder's own. */
  readonly stopAt: number | null;
}

/** A rectangle of a latent, in its own units (8 pixels). */
export interface LatentArea {
  readonly height: number;
  readonly width: number;
  readonly y: number;
  readonly x: number;
}

/** A ControlNet at work on a prompt, and those before it, whose residuals are added. */
export interface ControlChain {
  readonly net: ControlNet;
  readonly hint: Images;
  readonly strength: number;
  /** Shares of the timesteps, 0 at the noisy end. */
  readonly range: { readonly start: number; readonly end: number };
  /** "both": the prompts of the other side that have no ControlNet get this one, too. */
  readonly sides: "own" | "both";
  readonly previous: ControlChain | null;
}

/** One prompt of a CONDITIONING, and where and when it counts. */
export interface ConditioningPart {
  readonly conditioning: Conditioning;
  readonly area?: LatentArea;
  /** "bounds": the prompt is evaluated only in the rectangle around the mask. */
  readonly mask?: {
    readonly values: Mask;
    readonly strength: number;
    readonly area: "full" | "bounds";
  };
  readonly strength: number;
  /** What SDXL is told of a picture's sizes; absent: ComfyUI's own. */
  readonly sizes?: PictureSizes;
  /** Prompts with the same chain are evaluated together. */
  readonly control?: ControlChain;
  /** Shares of the timesteps, 0 at the noisy end; null: always. */
  readonly range: { readonly start: number; readonly end: number } | null;
}

/** What SamplerCustomAdvanced is guided by. A guider without a negative side never evaluates one. */
export interface Guider {
  readonly model: GraphModel;
  readonly positive: readonly ConditioningPart[];
  readonly negative: readonly ConditioningPart[];
  readonly cfg: number;
}

export interface Noise {
  readonly seed: bigint;
  readonly source: "seeded" | "none";
}

/** By the type of the link. */
export interface LinkValues {
  readonly MODEL: GraphModel;
  readonly CLIP: GraphClip;
  readonly VAE: LatentPictures;
  readonly CONTROL_NET: ControlNet;
  readonly CONDITIONING: readonly ConditioningPart[];
  readonly LATENT: Latent;
  readonly IMAGE: Images;
  readonly MASK: Mask;
  readonly SIGMAS: Float32Array;
  readonly SAMPLER: SamplerMethod;
  readonly NOISE: Noise;
  readonly GUIDER: Guider;
  readonly STRING: string;
  readonly INT: number | bigint;
  readonly FLOAT: number;
  readonly BOOLEAN: boolean;
}

/** One output of a node. */
export type NodeValue = {
  [Type in keyof LinkValues]: { readonly type: Type; readonly value: LinkValues[Type] };
}[keyof LinkValues];
