/** Compiles a model's name to a plan: the models that run, in order. */
import type { ModelDefinition } from "../models/definition.ts";
import type { ModelChain } from "../models/model-chain.ts";

/** Feeds a model that needs video where there is no input. */
const TEST_CARD = "test-card";

/** One model in a plan. */
export interface PlanNode {
  readonly model: string;
  /** Its data is the input of another model; only the others' pictures are shown. */
  readonly isFeeder: boolean;
}

/**
 * The plan of a model: those that feed it run before it, and without input one that needs video gets a moving test
 * card. Each node gets the picture of the last one before it that is shown, else the video frame; the last node's
 * picture is the result.
 */
export function planOf(
  {
    definitions,
    needsVideo,
  }: Pick<ModelChain, "needsVideo"> & {
    readonly definitions: readonly Pick<ModelDefinition, "name">[];
  },
  { hasInput }: { readonly hasInput: boolean },
): PlanNode[] {
  const needsCard = !hasInput && needsVideo;
  const last = definitions.length - 1;
  const nodes = definitions.map(({ name }, at) => ({ model: name, isFeeder: at < last }));
  return needsCard ? [{ model: TEST_CARD, isFeeder: false }, ...nodes] : nodes;
}
