/** Which layer of a text encoder ComfyUI's CLIPSetLastLayer means, and the norm that it applies. */
import { expect, test } from "bun:test";
import { layerNorm, textLayer } from "../../../../../src/engine/diffusion/text/clip-skip.ts";

const LAST = { output: "last_hidden_state", needsFinalNorm: false };
const hidden = (layer: number, needsFinalNorm: boolean) => ({
  output: `hidden_states.${layer}`,
  needsFinalNorm,
});

test.each([
  ["SD 1.5 takes the last layer", { family: "sd", layers: 12 }, LAST],
  ["-1 is the last layer", { family: "sd", layers: 12, stopAt: -1 }, LAST],
  [
    "-2 is the one before it, normalised",
    { family: "sd", layers: 12, stopAt: -2 },
    hidden(11, true),
  ],
  ["-12 is the first layer", { family: "sd", layers: 12, stopAt: -12 }, hidden(1, true)],
  ["-13 of 12 layers is the last one", { family: "sd", layers: 12, stopAt: -13 }, LAST],
  [
    "SD 2.x takes the last layer of its folder",
    { family: "sd", layers: 23, layersLeftOut: 1 },
    LAST,
  ],
  ["-2 is that layer", { family: "sd", layers: 23, layersLeftOut: 1, stopAt: -2 }, LAST],
  ["-1 was left out", { family: "sd", layers: 23, layersLeftOut: 1, stopAt: -1 }, LAST],
  [
    "-3 is the one before",
    { family: "sd", layers: 23, layersLeftOut: 1, stopAt: -3 },
    hidden(22, true),
  ],
  ["SDXL takes the last but one, as it is", { family: "sdxl", layers: 32 }, hidden(31, false)],
  ["SDXL's last layer has no norm", { family: "sdxl", layers: 32, stopAt: -1 }, hidden(32, false)],
] as const)("%s", (_, choice, expected) => {
  expect(textLayer(choice)).toEqual(expected);
});

test.each([0, 1, -1.5])("stop_at_clip_layer %p is refused", (stopAt) => {
  expect(() => textLayer({ family: "sd", layers: 12, stopAt })).toThrow("give a negative integer");
});

test("a layer norm makes each row of mean 0 and variance 1, then scales and shifts it", () => {
  const values = Float32Array.of(1, 3, -10, 10);
  const scale = Float32Array.of(2, 1);
  layerNorm(values, { scale, shift: Float32Array.of(0, 5), epsilon: 0 });
  expect([...values]).toEqual([-2, 6, -2, 6]);
});

test("a row of equal numbers is not divided by zero", () => {
  const values = Float32Array.of(4, 4);
  layerNorm(values, { scale: values.slice(), shift: Float32Array.of(1, 2), epsilon: 1e-5 });
  expect([...values]).toEqual([1, 2]);
});
