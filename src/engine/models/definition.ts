/** The complete definition of a model: plain data that crosses threads. */
import type { ModelParam } from "../protocol/models.ts";
import type { Fit, Size } from "../protocol/work.ts";
import type { Port, SizeRule, VideoUse } from "./roles/role.ts";

/** When a model runs. */
export interface RunPolicy {
  /** On every n-th frame. */
  readonly every: number;
  /** Not for a frame that equals the one before. */
  readonly skipUnchanged: boolean;
  /** CPU threads of a run; null: as many as the device gives a run. */
  readonly threads: number | null;
}

/** Everything that programs and their callers need to know about a model. */
export interface ModelDefinition {
  readonly name: string;
  readonly description: string;
  readonly license: string;
  /** Where the network comes from; empty where `model.json` does not say. */
  readonly homepage: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** The parameters that callers may set, without those of the models that feed this one. */
  readonly params: readonly ModelParam[];
  /** Those of them that inputs read. The others concern what the model shows, which one that feeds another does not. */
  readonly inputParams: readonly ModelParam[];
  readonly presets: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly video: VideoUse;
  /** The size of the picture that the model takes; null for models without video. */
  readonly picture: SizeRule | null;
  /** Null: the picture is fitted as the stream asks, and squeezed to the model's size. */
  readonly fit: Fit | null;
  readonly run: RunPolicy;
  /** Several runs may be joined along the graph's batch dimension. */
  readonly batchable: boolean;
  /** An output is a picture; a model without one lets the video pass. */
  readonly draws: boolean;
  /** The picture is drawn over the video frame in the output's size. */
  readonly overlays: boolean;
  /** Something changes from frame to frame by itself: a model without it runs on changes only. */
  readonly live: { readonly withVideo: boolean; readonly alone: boolean };
  /** Where files that `model.json` names lie; null for built-in models. */
  readonly folder: string | null;
}

/**
 * The size to which a picture of size `source` must be scaled for the model: its fixed size, or the nearest
 * multiple that it takes.
 */
export function inputSize({ picture }: Pick<ModelDefinition, "picture">, source: Size): Size {
  if (picture === null) return source;
  if (picture.size !== null) return picture.size;
  const nearest = (length: number): number =>
    Math.max(1, Math.round(length / picture.multipleOf)) * picture.multipleOf;
  return { width: nearest(source.width), height: nearest(source.height) };
}
