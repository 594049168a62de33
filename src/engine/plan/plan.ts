/** Compiles a model's name to a plan: the models that run, in order, and where each gets its picture from. */
import type { ModelDefinition } from "../models/definition.ts";
import type { ModelChain } from "../models/model-chain.ts";

/** Feeds a model that needs video where there is no input. */
const TEST_CARD = "test-card";

/** One model in a plan. */
export interface PlanNode {
  readonly model: string;
  /** The model whose picture it gets; null: the video frame, if there is one. */
  readonly picture: string | null;
  /** Its data is the input of another model; only the others' pictures are shown. */
  readonly isFeeder: boolean;
}

/**
 * The plan of a model: those that feed it run before it, and without input one that needs video gets a moving test
 * card. The last node's picture is the result.
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
  const picture = needsCard ? TEST_CARD : null;
  const last = definitions.length - 1;
  const nodes = definitions.map(({ name }, at) => ({ model: name, picture, isFeeder: at < last }));
  return needsCard ? [{ model: TEST_CARD, picture: null, isFeeder: false }, ...nodes] : nodes;
}
