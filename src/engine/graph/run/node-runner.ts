/** Defines the function that runs a node class, and the context that it gets. */
import type { Latent } from "../../diffusion/sampler/latent.ts";
import type { StepSeed } from "../../diffusion/sampler/sample-latent.ts";
import type { ImageSessions } from "./image-sessions.ts";
import type { ModelParts } from "./model-parts.ts";
import type { NodeInputs } from "./node-inputs.ts";
import type { Images, LinkValues, NodeValue } from "./values.ts";

/** Computes the outputs of a node, in the order of its class. Throws `invalid_request` for values that it cannot run with. */
export type NodeRunner = (
  inputs: NodeInputs,
  context: RunContext,
) => readonly NodeValue[] | Promise<readonly NodeValue[]>;

/** What an output node gives to the world. `node`: its id. */
export type GraphResult =
  | { readonly kind: "images"; readonly node: string; readonly images: Images }
  | { readonly kind: "latent"; readonly latent: Latent }
  | { readonly kind: "text"; readonly node: string; readonly text: string };

/** What a graph reads from outside and where its results go. */
export interface GraphEdges {
  /** A picture of the input folder: f32 colours and, for files that have it, alpha in a fourth channel. */
  loadImage(name: string): Promise<Images>;
  loadLatent(name: string): Promise<Latent>;
  /** Called in the order in which output nodes run. */
  emit(result: GraphResult): void;
}

export interface RunContext extends GraphEdges {
  readonly models: ModelParts;
  readonly images: ImageSessions;
  /** The video's frame, for LoadTensor. */
  readonly frame: Images | null;
  /** Ends the run: samplers look at it in every step. */
  readonly signal: AbortSignal | null;
  /** Which seed step noise is drawn from: see `sampleLatent`. */
  readonly stepSeed: StepSeed;
}

/** One output. */
export const output = <Type extends keyof LinkValues>(
  type: Type,
  value: LinkValues[Type],
): NodeValue => ({ type, value }) as NodeValue;
