/** Models as an engine reports them. */
import { Type } from "@sinclair/typebox";
import { type Immutable, literals } from "../../schema.ts";

/** A number that a model takes while it runs: a slider. */
export const ModelParam = Type.Object({
  name: Type.String(),
  default: Type.Number(),
  min: Type.Number(),
  max: Type.Number(),
  integer: Type.Boolean(),
  description: Type.String(),
});
export type ModelParam = Immutable<typeof ModelParam>;

/** One model as `GET /models` shows it. */
export const ModelInfo = Type.Object({
  name: Type.String(),
  description: Type.String(),
  /** `built-in` or the folder's path below the workspace. */
  source: Type.String(),
  state: literals(["cold", "warming", "ready", "failed"]),
  /** Why it failed. */
  error: Type.Optional(Type.String()),
  /** False for models that need no video: they draw on a clock. */
  takes_video: Type.Boolean(),
  /** False for models that no prompt changes. */
  takes_prompts: Type.Boolean(),
  device: Type.String(),
  /** The execution provider that really runs it; absent while cold. */
  execution_provider: Type.Optional(Type.String()),
  params: Type.Array(ModelParam),
});
export type ModelInfo = Immutable<typeof ModelInfo>;
