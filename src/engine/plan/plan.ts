/** Lists the models that run on every frame, one after the other. */
import type { ModelDefinition } from "./models/definition.ts";

/** Feeds a model that takes video where there is no input. */
const TEST_CARD = "test-card";

/**
 * Returns the names of the models in order, the asked-for one last. Without input, one that takes video gets a moving
 * test card.
 */
export function plan(
  { name, frame }: Pick<ModelDefinition, "name" | "frame">,
  { hasInput }: { readonly hasInput: boolean },
): string[] {
  return hasInput || frame === null ? [name] : [TEST_CARD, name];
}
