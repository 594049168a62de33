/** What the control of a parameter is given. */
import type { Param } from "../../api.ts";

export interface ValueTypes {
  readonly number: number;
  readonly switch: boolean;
  readonly trigger: number;
  readonly vector: readonly number[];
  /** A data URI, the server's shortened text of one, or null without a picture. */
  readonly picture: string | null;
}

export type ParamOf<Type extends Param["type"]> = Extract<Param, { type: Type }>;

export interface ControlProps<Type extends Param["type"]> {
  readonly param: ParamOf<Type>;
  /** The value in use. */
  readonly value: ValueTypes[Type];
  readonly set: (value: ValueTypes[Type]) => void;
}
