/** Describes one input of a node class: which links or values it takes. */

/** The type of a link. Types match if they are equal; the types below are also those of values. */
export type LinkType =
  | "CLIP"
  | "CONDITIONING"
  | "CONTROL_NET"
  | "GUIDER"
  | "IMAGE"
  | "LATENT"
  | "MASK"
  | "MODEL"
  | "NOISE"
  | "SAMPLER"
  | "SIGMAS"
  | "VAE";

const VALUE_TYPES = ["BOOLEAN", "COMBO", "FLOAT", "INT", "STRING"] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** `*` takes any type, and is one that every input takes. */
export type SocketType = LinkType | ValueType | "*";

/** The kinds of thing that a node names: parts of model folders, or files of the workspace. */
export type FileKind =
  | "checkpoint"
  | "diffusion_model"
  | "text_encoder"
  | "vae"
  | "controlnet"
  | "depth_model"
  | "model"
  | "image"
  | "output_image"
  | "latent";

/** Kinds whose names are paths below a folder of the workspace. */
export const isPlainFile = (kind: FileKind): boolean =>
  kind === "image" || kind === "output_image" || kind === "latent";

/** Limits are inclusive. ComfyUI's page uses `step` and `round` for its controls; they limit nothing. */
export interface IntInput {
  readonly type: "INT";
  readonly default?: number;
  /** A bigint where a number would not be exact. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly step?: number;
}

export interface FloatInput {
  readonly type: "FLOAT";
  readonly default?: number;
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly step?: number;
  readonly round?: number | false;
}

export interface BooleanInput {
  readonly type: "BOOLEAN";
  readonly default?: boolean;
}

export interface StringInput {
  readonly type: "STRING";
  readonly default?: string;
}

/** One of several words. */
export interface ChoiceInput {
  readonly type: "COMBO";
  readonly options: readonly string[];
  readonly default?: string;
}

/** The name of a file or of a model folder. */
export interface FileInput {
  readonly type: "COMBO";
  readonly files: FileKind;
}

/** Takes links only, but for `*`, which takes values too. */
export interface LinkInput {
  readonly type: LinkType | "*";
}

export type InputDeclaration =
  | IntInput
  | FloatInput
  | BooleanInput
  | StringInput
  | ChoiceInput
  | FileInput
  | LinkInput;

/** True where no value makes sense. */
export const takesLinksOnly = ({ type }: InputDeclaration): boolean =>
  type !== "*" && !VALUE_TYPES.some((one) => one === type);

export const int = (options: Omit<IntInput, "type"> = {}): IntInput => ({
  type: "INT",
  ...options,
});

export const float = (options: Omit<FloatInput, "type"> = {}): FloatInput => ({
  type: "FLOAT",
  ...options,
});

export const toggle = (initial?: boolean): BooleanInput => ({
  type: "BOOLEAN",
  ...(initial !== undefined && { default: initial }),
});

export const text = (initial?: string): StringInput => ({
  type: "STRING",
  ...(initial !== undefined && { default: initial }),
});

export const choice = (options: readonly string[], initial?: string): ChoiceInput => ({
  type: "COMBO",
  options,
  ...(initial !== undefined && { default: initial }),
});

export const file = (files: FileKind): FileInput => ({ type: "COMBO", files });

export const link = (type: LinkInput["type"]): LinkInput => ({ type });

/** The seed of a random generator: any unsigned integer of 64 bits. */
export const SEED = int({ default: 0, min: 0, max: 18446744073709551615n });
