/** The built-in models: what they draw, at every size, and that the same input gives the same picture. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { BUILT_INS } from "../../src/engine/models/built-in.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { encodePrompts } from "../../src/engine/prompts/lexicon.ts";
import { PromptMorph } from "../../src/engine/prompts/morph.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticksFromSeconds } from "../../src/media/time.ts";
import { copyOf, maxDifference, noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import {
  brightness,
  digest,
  histogramDistance,
  meanDifference,
} from "../support/picture-measures.ts";
import { drawWith } from "../support/run-model.ts";

const PROMPTS = [
  "a beautiful landscape",
  "city at night in the rain",
  "underwater coral",
  "desert at sunset",
  "northern lights over a frozen lake",
  "a dark forest in fog",
  "an abstract painting, red and gold",
];
/** Of 2, which two pictures without a common colour have. */
const FAR_APART = 0.5;

let workspace: OnnxWorkspace;
let host: ModelHost;

beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  host = await workspace.host();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

interface Asked {
  readonly model?: string;
  readonly prompt?: string;
  readonly params?: Record<string, number>;
  readonly seconds?: number;
  readonly picture?: Picture;
  readonly size?: { width: number; height: number };
}

async function draw(asked: Asked): Promise<Picture> {
  const { model = "dreamscape", prompt = "", params = {}, seconds = 3, picture } = asked;
  const loaded = await host.acquire(model);
  const size = asked.size ?? { width: 256, height: 256 };
  const text = new PromptMorph().at(encodePrompts([{ prompt }]), seconds);
  const run = { size, params, timeSeconds: seconds, text };
  return await drawWith(loaded, { ...run, ...(picture && { picture: copyOf(picture) }) });
}

describe("every built-in model", () => {
  const sizes = [
    { width: 64, height: 64 },
    { width: 322, height: 182 },
    { width: 426, height: 240 },
    { width: 90, height: 1034 },
    { width: 1280, height: 720 },
  ];
  test.each(Object.keys(BUILT_INS))("%s gives the size that is asked for", async (model) => {
    for (const { width, height } of sizes) {
      const result = await draw({ model, picture: noisePicture(width, height) });
      expect([result.width, result.height]).toEqual([width, height]);
    }
  });

  test.each(Object.keys(BUILT_INS))("%s runs at both ends of each parameter", async (model) => {
    const { definition } = await host.acquire(model);
    for (const param of definition.params) {
      if (param.type !== "number") continue;
      const { name, min, max } = param;
      for (const end of [min, max]) {
        const result = await draw({
          model,
          picture: noisePicture(98, 66),
          params: { [name]: end },
        });
        expect([result.width, result.height]).toEqual([98, 66]);
      }
    }
  });

  test("is a small file with the same bytes every time, and its description says that it is procedural", () => {
    for (const [name, { graph, json }] of Object.entries(BUILT_INS)) {
      const bytes = graph();
      expect(`${name} ${Bun.hash(graph())}`).toBe(`${name} ${Bun.hash(bytes)}`);
      expect(bytes.length).toBeLessThan(1024 * 1024);
      expect(json.description?.toLowerCase()).not.toMatch(/\bai\b|trained on|neural/);
    }
  });
});

describe("dreamscape", () => {
  test("the same prompt, seed and time give the same bytes, in another process too", async () => {
    const asked = {
      prompt: "a castle by a zorblax lake at dawn",
      params: { seed: 42 },
      seconds: 5.5,
    };
    const here = digest(await draw(asked));
    expect(digest(await draw(asked))).toBe(here);
    const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).pathname);
    const script = `
      import { OnnxWorkspace } from ${at("../support/onnx-workspace.ts")};
      import { encodePrompts } from ${at("../../src/engine/prompts/lexicon.ts")};
      import { PromptMorph } from ${at("../../src/engine/prompts/morph.ts")};
      import { drawWith } from ${at("../support/run-model.ts")};
      import { digest } from ${at("../support/picture-measures.ts")};
      await using workspace = await OnnxWorkspace.create();
      await using host = await workspace.host();
      const model = await host.acquire("dreamscape");
      const { prompt, params, seconds } = ${JSON.stringify(asked)};
      const text = new PromptMorph().at(encodePrompts([{ prompt }]), seconds);
      const size = { width: 256, height: 256 };
      const picture = await drawWith(model, { size, params, timeSeconds: seconds, text });
      process.stdout.write(digest(picture));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
    expect(await child.stdout.text()).toBe(here);
    expect(await child.exited).toBe(0);
  });

  test("different prompts give clearly different colours", async () => {
    const pictures: Picture[] = [];
    for (const prompt of PROMPTS) pictures.push(await draw({ prompt }));
    for (const [a, one] of pictures.entries()) {
      for (const [b, other] of pictures.entries()) {
        if (a >= b) continue;
        const pair = `${PROMPTS[a]} / ${PROMPTS[b]}`;
        const distance = histogramDistance(one, other);
        expect(distance > FAR_APART ? pair : `${pair}: ${distance}`).toBe(pair);
      }
    }
  });

  test("seeds and unknown words vary the picture of a prompt", async () => {
    const usual = await draw({ prompt: "a mountain lake" });
    for (const other of [
      await draw({ prompt: "a mountain lake", params: { seed: 1 } }),
      await draw({ prompt: "a mountain lake", params: { seed: 4294967295 } }),
      await draw({ prompt: "a zorblax mountain lake" }),
    ]) {
      expect(meanDifference(usual, other)).toBeGreaterThan(8);
    }
  });

  test.each(PROMPTS)("%s: moves without jumps or flashes", async (prompt) => {
    let before = await draw({ prompt, seconds: 10 });
    for (let frame = 1; frame <= 12; frame++) {
      const now = await draw({ prompt, seconds: 10 + frame / 24 });
      expect(maxDifference(now, before)).toBeGreaterThan(0);
      expect(meanDifference(now, before)).toBeLessThan(6);
      expect(Math.abs(brightness(now) - brightness(before))).toBeLessThan(1.5);
      before = now;
    }
  });

  test("a stream of many hours moves as at its start, also where its motion repeats", async () => {
    for (const seconds of [1023.98, 86_400]) {
      const [one, two] = [await draw({ seconds }), await draw({ seconds: seconds + 1 / 24 })];
      expect(meanDifference(one, two)).toBeLessThan(6);
    }
  });
});

describe("restyle", () => {
  const video = (): Promise<Picture> => draw({ prompt: "a city by the sea", params: { seed: 3 } });

  test("strength 0 returns the video unchanged", async () => {
    const picture = await video();
    const result = await draw({ model: "restyle", picture, params: { strength: 0 } });
    expect(maxDifference(result, picture)).toBeLessThanOrEqual(1);
  });

  test("a prompt without colours keeps those of the video", async () => {
    const picture = await video();
    const softened = await draw({ model: "restyle", prompt: "a watercolor painting", picture });
    const gilded = await draw({ model: "restyle", prompt: "red and gold", picture });
    expect(meanDifference(softened, picture)).toBeLessThan(meanDifference(gilded, picture) / 2);
  });

  test("prompts give different colours", async () => {
    const picture = await video();
    const styled: Picture[] = [];
    for (const prompt of ["desert at sunset", "underwater coral", "forest in spring"]) {
      styled.push(await draw({ model: "restyle", prompt, picture }));
    }
    const [desert = picture, sea = picture, forest = picture] = styled;
    for (const pair of [
      [desert, sea],
      [sea, forest],
      [forest, desert],
      [desert, picture],
    ] as const) {
      expect(histogramDistance(...pair)).toBeGreaterThan(FAR_APART);
    }
  });

  test("edges keep their places and their sharpness", async () => {
    const picture = await video();
    const outlines = async (of: Picture): Promise<Picture> =>
      await draw({ model: "edges", picture: of });
    const before = await outlines(picture);
    const after = await outlines(await draw({ model: "restyle", prompt: "sunset", picture }));
    expect(correlation(before, after)).toBeGreaterThan(0.75);
  });
});

test("thermal, cartoon and mirror change a picture; mirror moves most of its pixels", async () => {
  const picture = await draw({ prompt: "a village by a river" });
  for (const model of ["thermal", "cartoon", "mirror"]) {
    expect(meanDifference(await draw({ model, picture }), picture)).toBeGreaterThan(5);
  }
  const params = { folds: 0, turn: 0 };
  expect(maxDifference(await draw({ model: "mirror", picture, params }), picture)).toBe(0);
});

describe("a speed parameter", () => {
  const size = { width: 256, height: 256 };
  const SPEEDS = [
    ["test-card", "speed", 1],
    ["mirror", "turn", 0.05],
  ] as const;

  /** A stream without input, 1003.7 s after its start: draws its frames as it goes. */
  const stream = (model: string, slider: string) => {
    const converter = new PictureConverter(UNRECORDED_CALLS);
    const { signal } = new AbortController();
    const executor = new PlanExecutor({
      calls: UNRECORDED_CALLS,
      host,
      converter,
      key: "test",
      hasInput: false,
      signal,
    });
    return async (frame: number, value: number): Promise<Picture> => {
      const set = { model, model_params: { [slider]: value } };
      const params = { ...set, prompts: [], size, fit: "cover", paused: false } as const;
      await executor.prepare(params);
      const pts = ticksFromSeconds(1003.7 + frame / 24);
      return (await executor.draw({ frame: null, pts, size, params })).picture;
    };
  };

  test.each(SPEEDS)("of %s changes the speed of the motion, not its position", async (...of) => {
    const [model, slider, usual] = of;
    const draws = stream(model, slider);
    const [one, two] = [await draws(0, usual), await draws(1, usual)];
    const step = meanDifference(one, two);
    expect(step).toBeGreaterThan(0);
    let before = two;
    for (const [at, value] of [0, 2 * usual, usual / 3].entries()) {
      const now = await draws(2 + at, value);
      expect(meanDifference(before, now)).toBeLessThan(2 * step);
      before = now;
    }
  });

  test.each(SPEEDS)(
    "of %s continues at the same position on an engine that replaces another",
    async (...of) => {
      const [model, slider, usual] = of;
      const [before, after] = [stream(model, slider), stream(model, slider)];
      await before(0, usual);
      expect(maxDifference(await before(1, usual), await after(1, usual))).toBe(0);
    },
  );
});

/** Of the samples of two pictures: 1 where one is a multiple of the other. */
function correlation(one: Picture, other: Picture): number {
  const [a, b] = [brightness(one), brightness(other)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [at, sample] of one.data.entries()) {
    const [x, y] = [sample - a, (other.data[at] ?? 0) - b];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}
