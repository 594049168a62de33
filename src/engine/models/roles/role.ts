/**
 * Declares what a role is: how the entry of a port in `model.json` is checked, how the graph is extended at its edge,
 * and how the port is fed or read. One file in this folder implements one role; `input-roles.ts` and `output-roles.ts`
 * list them.
 */
import type { Static, TObject } from "@sinclair/typebox";
import type { Picture } from "../../../media/picture.ts";
import type { ModelParam, ParamValues } from "../../protocol/models.ts";
import type { Prompt, Size } from "../../protocol/work.ts";
import type { GraphEdge } from "../graph-edge.ts";
import type { Tensor } from "../tensor.ts";
import type { GraphSignature, TensorSignature } from "../tensor-signature.ts";

/** One input or output of a model: plain data that crosses threads. Roles add their own fields. */
export interface Port {
  readonly role: string;
  /** The tensor's name in the ONNX file. */
  readonly tensor: string;
  /** The tensor has the graph's batch dimension: several runs may be joined along it. */
  readonly batched: boolean;
}

/** What a model does with video: draws without it, with or without it, or only with it. */
export type VideoUse = "none" | "optional" | "required";

/** A size that a model takes: fixed, or any multiple. */
export interface SizeRule {
  /** Null: any. */
  readonly size: Size | null;
  readonly multipleOf: number;
}

/** What a role is given to check an entry against the graph. */
export interface Binding<Entry> {
  readonly tensor: TensorSignature;
  readonly entry: Entry;
  readonly signature: GraphSignature;
  readonly batched: boolean;
  /** Adds a problem of the entry: a field of it (empty for the entry itself), and the predicate of a sentence. */
  problem(field: string, predicate: string): void;
}

/** A picture that is kept: its memory may be shared with workers, and is never transferred. */
export interface StillPicture extends Size {
  readonly data: Uint8Array;
}

/** The value of a port for one run, as it crosses to the worker. */
export type PortValue = number | Tensor | StillPicture | PromptList;

/** What a stream draws by, for programs that encode text or run graphs. */
export interface PromptList {
  readonly prompts: readonly Prompt[];
  /** ComfyUI graphs as JSON. */
  readonly graphs: readonly string[];
}

/** One run for one stream, as roles in the engine's main thread see it. */
export interface Moment {
  /** Canonical values by parameter name; those absent have their defaults. */
  readonly params: ParamValues;
  /** Media time. */
  readonly timeSeconds: number;
  /** Of the picture that the model gets or, without one, should draw. */
  readonly size: Size;
  /** Of the picture that the stream shows. */
  readonly outputSize: Size;
  /** The stream's prompts. */
  readonly prompts: readonly Prompt[];
  /** The stream's ComfyUI graphs as JSON. */
  readonly graphs: readonly string[];
  /** The integral over media time of a rate, by parameter name. */
  sum(name: string, rate: number): number;
  /** The prompts as the vector of `prompts/controls.ts`. */
  text(): Float32Array;
  /** An output of another model; null before its first run. */
  upstream(model: string, output: string): Tensor | null;
  /**
   * A picture parameter (a data URI) or an asset (a file name), scaled to a size. Until it is decoded it is the one that
   * the place had before, null where there was none.
   *
   * @param place names where in the model the picture goes
   */
  picture(place: string, source: PictureSource, size: Size): StillPicture | null;
}

export type PictureSource = { readonly uri: string } | { readonly file: string };

/** One run for one stream, as roles in the worker see it. */
export interface RunItem {
  /** The stream's node: state is kept by it. */
  readonly lane: string;
  /** The video frame in the size that the model takes; null for models without video. */
  readonly picture: Picture | null;
  /** The video frame in the size of the output, for models that draw over it. */
  readonly original: Picture | null;
  readonly size: Size;
  /** By tensor name. */
  readonly values: Readonly<Record<string, PortValue>>;
}

/** What a model remembers of one lane between runs: roles keep what is theirs by tensor name. */
export type Lane = Map<string, unknown>;

/** What one run gives; roles of outputs fill it in. */
export interface RunResult {
  /** Null for models whose outputs hold no picture. */
  picture: Picture | null;
  /** Numbers by output name. */
  readonly data: Record<string, Tensor>;
}

/** Tensors by the names under which `attach` declared them at the graph's edge. */
export type Feeds = Record<string, Tensor>;

/** How a kind of port works. `Schema` describes its entry in `model.json`, which has the member `role`. */
export interface Role<Schema extends TObject = TObject, P extends Port = Port> {
  readonly schema: Schema;
  /** Checks the entry against the tensor, and completes it. Reports what does not fit. */
  bind(binding: Binding<Static<Schema>>): P;
  /** The parameters that the port reads. */
  params?(port: P): readonly ModelParam[];
  /** For ports that take the video frame. */
  video?(port: P): { readonly use: VideoUse; readonly rule: SizeRule } | null;
  /**
   * True if the port's value changes from frame to frame by itself: a model without such ports runs on changes only.
   *
   * @param hasVideo the model gets the video frame; one that can do without may have none
   */
  isLive?(port: P, hasVideo: boolean): boolean;
  /** True if runs of one lane depend on each other: they are never batched. */
  readonly isRecurrent?: boolean;
  /** True if the model draws over the video frame in the output's size (`RunItem.original`). */
  readonly needsOriginal?: boolean;
  /** Extends the graph at this port, once, in the worker. Without it the tensor is fed or read as it is. */
  attach?(port: P, edge: GraphEdge): void;
  /** The value for a run, in the engine's main thread; undefined for ports that the worker feeds by itself. */
  value?(port: P, moment: Moment): PortValue | undefined;
  /** The tensors for a run, in the worker. */
  feed?(port: P, item: RunItem, lane: Lane): Feeds;
  /** Reads the outputs of a run, in the worker. */
  read?(port: P, outputs: Feeds, result: RunResult, lane: Lane): void;
}

/** Keeps the types of a role's schema and port while it is declared. */
export const role = <Schema extends TObject, P extends Port>(
  its: Role<Schema, P>,
): Role<Schema, P> => its;
