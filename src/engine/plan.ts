/** Turns a stream's parameters into the list of models that run on every frame, one after the other. */
import type { StreamParams } from "./protocol/work.ts";

/** Feeds a model that takes video where there is no input. */
const TEST_CARD = "test-card";

/**
 * Returns the names of the models in order. `takesVideo` says whether the asked-for model needs a picture: without input
 * it gets a moving test card.
 */
export function plan(params: StreamParams, hasInput: boolean, takesVideo: boolean): string[] {
  return hasInput || !takesVideo ? [params.model] : [TEST_CARD, params.model];
}
