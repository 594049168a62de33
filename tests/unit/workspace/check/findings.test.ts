/** What `models check` finds wrong in the results of models. */
import { describe, expect, test } from "bun:test";
import type { Picture } from "../../../../src/media/picture.ts";
import {
  imageFindings,
  outputFindings,
  type RawOutput,
} from "../../../../src/workspace/check/findings.ts";
import { spreadOf } from "../../../../src/workspace/check/spread.ts";
import { drawTestPicture } from "../../../../src/workspace/check/test-picture.ts";

const picture = drawTestPicture();
const PORTS = { frame: "x", image: "y" };

/** The picture with every sample changed; `channel` 0 is red. */
function changed(change: (sample: number, at: number, plane: number) => number): Picture {
  const plane = picture.width * picture.height;
  return { ...picture, data: picture.data.map((sample, at) => change(sample, at, plane)) };
}

const bgr = changed((_, at, plane) => {
  const channel = 2 - Math.floor(at / plane);
  return picture.data[channel * plane + (at % plane)] ?? 0;
});

const image = (after: Picture, before = picture) =>
  [...imageFindings(before, after, PORTS)].map(({ field, problem }) => `${field} ${problem}`);

describe("an image", () => {
  test("that equals its input has no finding", () => {
    expect(image(picture)).toEqual([]);
  });

  test("in gray, or with other colours and contrast, has no finding", () => {
    const gray = changed((_, at, plane) => picture.data[plane + (at % plane)] ?? 0);
    expect(image(gray)).toEqual([]);
    expect(image(changed((sample) => 40 + sample / 2))).toEqual([]);
  });

  test("with red and blue swapped names both channels fields, also in another size", () => {
    expect(image(bgr)).toEqual([
      'inputs.x.channels red and blue are swapped in the result: set it, or outputs.y.channels, to "bgr" (or to "rgb" where it is "bgr")',
    ]);
    const half: Picture = { width: 256, height: 256, data: new Uint8Array(256 * 256 * 3) };
    for (let at = 0; at < half.data.length; at++) {
      const [channel, y, x] = [Math.floor(at / 65536), Math.floor(at / 256) % 256, at % 256];
      half.data[at] = bgr.data[channel * 512 * 512 + 2 * y * 512 + 2 * x] ?? 0;
    }
    expect(image(half)[0]).toContain("inputs.x.channels");
  });

  test("that is inverted names the range", () => {
    expect(image(changed((sample) => 255 - sample))[0]).toStartWith(
      "outputs.y.range the picture is inverted",
    );
  });

  test.each([
    ["black", 0],
    ["white", 255],
  ])("that is %s says so", (name, level) => {
    expect(image(changed(() => level))).toEqual([
      `outputs.y.range the picture is ${name}: check this range, and range, mean and std of inputs.x`,
    ]);
  });

  test("that was drawn without video is compared with nothing", () => {
    expect([...imageFindings(picture, bgr, { frame: null, image: "y" })]).toEqual([]);
  });
});

/** The picture's samples as a model gives them in a range. */
const valuesIn = (black: number, white: number): Float32Array =>
  Float32Array.from(picture.data, (sample) => black + ((white - black) * sample) / 255);

function output(values: ArrayLike<number>, its: Partial<RawOutput> = {}): string[] {
  const raw = {
    tensor: "y",
    role: "image",
    range: [0, 1],
    spread: spreadOf(values),
    beyond: 0,
    ...its,
  } as const;
  return [...outputFindings(raw)].map(({ field, problem }) => `${field} ${problem}`);
}

describe("values", () => {
  const ranges = [
    [0, 1],
    [-1, 1],
    [0, 255],
  ] as const;
  for (const given of ranges) {
    for (const stated of ranges) {
      test(`from ${given.join(" to ")} that are read as ${stated.join(" to ")}`, () => {
        const found = output(valuesIn(given[0], given[1]), { range: stated });
        if (given === stated) expect(found).toEqual([]);
        else expect(found[0]).toContain(`outputs.y.range is [${stated.join(", ")}]`);
        if (given !== stated) expect(found[0]).toEndWith(`set it to [${given.join(", ")}]`);
      });
    }
  }

  test("that exceed their range a little, or nearly fill it, are right", () => {
    expect(output(valuesIn(-30, 290), { range: [0, 255] })).toEqual([]);
    expect(output(valuesIn(0, 255), { range: [16, 235] })).toEqual([]);
    expect(output(valuesIn(0, 255), { range: [255, 0] })).toEqual([]);
    expect(output(valuesIn(0.2, 0.7))).toEqual([]);
  });

  test("that lie beyond their range in great part want a wider one", () => {
    expect(output(valuesIn(-30, 290), { range: [0, 255], beyond: 0.3 })).toEqual([
      "outputs.y.range is [0, 255] but the values run from -30 to 290, 30 % of them beyond it: widen it",
    ]);
  });

  test("that are not finite are counted", () => {
    const values = valuesIn(0, 1);
    values.set([Number.NaN, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(output(values)[0]).toStartWith(
      `outputs.y 2 NaN and 1 infinite of ${values.length} values`,
    );
  });

  test("that are all the same point to the inputs", () => {
    expect(output(new Float32Array(100).fill(0.5))).toEqual([
      "outputs.y every value is 0.5: check range, mean, std and channels of the inputs, and their parameters",
    ]);
    expect(output([3], { role: "data", range: null })).toEqual([]);
  });

  test("of a mask that are raw scores want an activation, those of a probability do not", () => {
    const scores = output(valuesIn(-6, 9), { role: "mask" });
    expect(scores[0]).toContain(
      'outputs.y.activation the values run from -6 to 9, as raw scores do: set it to "sigmoid"',
    );
    expect(output(valuesIn(-6, 9), { role: "mask", activation: "sigmoid" })).toEqual([]);
    expect(output(valuesIn(0, 1), { role: "mask" })).toEqual([]);
    expect(output(valuesIn(0, 80), { role: "heat", range: null })).toEqual([]);
  });
});

test("the channels of the test picture are independent of each other", () => {
  expect(image(picture, bgr)[0]).toContain("swapped");
});

test("a spread leaves out what is not finite, and reads integers of 64 bits", () => {
  expect(spreadOf([1, 3, Number.NaN, Number.NEGATIVE_INFINITY])).toEqual({
    count: 4,
    min: 1,
    max: 3,
    mean: 2,
    low: 1,
    high: 3,
    notANumber: 1,
    infinite: 1,
  });
  expect(spreadOf(BigInt64Array.of(5n, 7n)).mean).toBe(6);
});
