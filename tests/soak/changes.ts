/** Draws live changes of parameters, such as owners of streams make all the time. */
import type { Dice } from "./dice.ts";
import type { Change, StreamName } from "./streams/soak-stream.ts";

/** Models of streams with input that need no prompt. */
export const MODELS = ["identity", "mirror", "edges", "thermal", "cartoon"];
const PROMPTS = ["a charcoal drawing", "waves at dawn", "neon city, rain", "autumn leaves, mosaic"];

/** Draws the input anew by a prompt. */
export const restyled = (prompt: string): Change => ({ model: "restyle", prompts: [{ prompt }] });

/** The parameters that a stream has when memory is measured: its bitrate and model decide how much is under way in it. */
export const atRest = (stream: StreamName): Change =>
  stream === "seed without"
    ? { prompts: [{ prompt: "gold" }], fps: 15, seed: 1 }
    : { model: "identity", bitrate: 600_000, fit: "cover" };

/** A change that the stream accepts at any time. */
export function drawChange(stream: StreamName, dice: Dice): Change {
  const draw = dice.pick<() => Change>(
    stream === "seed without"
      ? [
          () => ({ prompts: [{ prompt: dice.pick(PROMPTS), weight: 1 }, { prompt: "gold" }] }),
          () => ({ fps: dice.pick([12, 15]) }),
          () => ({ seed: Math.floor(dice.next() * 1000) }),
        ]
      : [
          () => ({ model: dice.pick(MODELS) }),
          () => restyled(dice.pick(PROMPTS)),
          () => ({ bitrate: dice.pick([300_000, 600_000]) }),
          () => ({ fit: dice.pick(["cover", "contain", "stretch"]) }),
        ],
  );
  return draw();
}
