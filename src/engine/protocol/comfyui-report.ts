/** What an engine finds out about the operator's ComfyUI, for `doctor`. */
import { Type } from "@sinclair/typebox";
import { type Immutable, nullable } from "../../schema.ts";

export const ComfyReport = Type.Object({
  /** Names it and its address, without credentials. */
  label: Type.String(),
  /** Null where it does not say. */
  version: nullable(Type.String()),
  /** What it computes on. */
  devices: Type.Array(Type.String()),
  /** What is in the way of running graphs there, each with what to do about it. */
  problems: Type.Array(Type.String()),
});
export type ComfyReport = Immutable<typeof ComfyReport>;
