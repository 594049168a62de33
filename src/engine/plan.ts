/** What a stream's parameters ask for, as a list of models that run one after the other on every frame. */
import type { StreamParams } from "./protocol/work.ts";

/** Draws the picture where there is no input and the model wants one. */
const TEST_CARD = "test-card";

/**
 * Names of the models in order. `takesVideo` tells of the asked-for model whether it needs a picture:
 * without input a moving test picture feeds it.
 */
export function plan(params: StreamParams, hasInput: boolean, takesVideo: boolean): string[] {
  return hasInput || !takesVideo ? [params.model] : [TEST_CARD, params.model];
}
