/** When the ControlNets of a pipeline are at work, by the rules of diffusers and of ComfyUI. */
import { expect, test } from "bun:test";
import type { ControlNet } from "../../../../src/engine/diffusion/networks/control-net.ts";
import { RunControls } from "../../../../src/engine/diffusion/run-controls.ts";
import {
  SigmaTable,
  trainedSigmas,
} from "../../../../src/engine/diffusion/schedule/sigma-table.ts";

const size = { width: 8, height: 8 };
const picture = { ...size, data: new Uint8Array(192) };
const net = { takesTimestepPerRow: true, residuals: async () => ({}) } as Partial<ControlNet>;
const nets = [net, net] as ControlNet[];

const controls = (
  ranges: readonly (readonly [start: number, end: number])[],
  guesses = false,
): RunControls => {
  const pictures = ranges.map(([start, end], at) => ({
    net: at,
    picture,
    strength: at + 1,
    range: { start, end },
  }));
  return new RunControls({ pictures, guesses }, nets, size);
};

/** The steps of a run in which the first ControlNet is at work. */
const stepsOf = (range: readonly [number, number], steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => step).filter(
    (step) => controls([range]).atStep(step, steps)("positive").length > 0,
  );

test("by diffusers' rules a step counts that lies in the range as a whole", () => {
  expect(stepsOf([0, 1], 4)).toEqual([0, 1, 2, 3]);
  expect(stepsOf([0, 0.5], 4)).toEqual([0, 1]);
  expect(stepsOf([0.2, 0.7], 10)).toEqual([2, 3, 4, 5, 6]);
  expect(stepsOf([0.25, 0.7], 10)).toEqual([3, 4, 5, 6]);
  expect(stepsOf([0.4, 0.6], 2)).toEqual([]);
  expect(stepsOf([0, 1], 1)).toEqual([0]);
});

test("by ComfyUI's rules it is the share of the training timesteps that counts", () => {
  const table = new SigmaTable(trainedSigmas());
  const atWork = (timestep: number): boolean =>
    controls([[0.2, 0.7]]).atSigma(table.sigma(timestep), table)("positive").length > 0;
  expect([999, 801, 799, 500, 301, 299, 0].map(atWork)).toEqual([
    ...[false, false, true, true, true, false, false],
  ]);
});

test("several have ranges of their own", () => {
  const two = controls([
    [0, 0.5],
    [0.5, 1],
  ]);
  const strengths = (step: number) =>
    two
      .atStep(
        step,
        4,
      )("negative")
      .map((one) => one.strength);
  expect([0, 1, 2, 3].map(strengths)).toEqual([[1], [1], [2], [2]]);
});

test("in guess mode the negative prompt is not steered, and depths count differently", () => {
  const [guessing, plain] = [controls([[0, 1]], true), controls([[0, 1]])];
  expect(guessing.atStep(0, 1)("negative")).toEqual([]);
  expect(guessing.atStep(0, 1)("positive")[0]?.depths).toBe("rising");
  expect(plain.atStep(0, 1)("negative")[0]?.depths).toBe("even");
});
