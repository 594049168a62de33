/** Runs published models, each with the description that `draftModel` derives; models-drafted.test.ts does so without them. */
import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { Glob } from "bun";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { draftModel } from "../../src/engine/models/draft.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import type { Picture } from "../../src/media/picture.ts";
import {
  copyOf,
  mapPixels,
  maxDifference,
  noisePicture,
  OnnxWorkspace,
  sample,
} from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";
import { sharedData } from "../support/shared-data.ts";

const graphs = sharedData("models/onnx-cv-graph");
const styles = sharedData("models/style");

async function draftOf(path: string) {
  const onnx = await Bun.file(path).bytes();
  return { onnx, json: draftModel("model.onnx", signatureOf(parseGraph(onnx))) };
}

async function run(
  host: ModelHost,
  name: string,
  picture: Picture,
  params: Record<string, number> = {},
): Promise<Picture> {
  return await drawWith(await host.acquire(name), { picture: copyOf(picture), params });
}

/** A frame of the test card: flat areas, steps, a disc and a ramp. */
async function testCard(width: number, height: number): Promise<Picture> {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  return await drawWith(await host.acquire("test-card"), {
    size: { width, height },
    timeSeconds: 0.7,
  });
}

/** Models whose output has another size than the input, at the files' defaults. */
const SIZES: Readonly<Record<string, readonly [number, number]>> = {
  center_crop: [48, 32],
  letterbox: [640, 640],
  padding_color: [114, 76],
  pyr_up: [192, 128],
  resize_to: [256, 256],
  rotate_270: [64, 96],
};

/** At its default, which is the whole colour circle, this model's output is plain white. */
const PARAMS: Readonly<Record<string, Record<string, number>>> = { hsv_range: { s_min: 0.3 } };

/** Correctly plain: the card has no corner of that pattern; samples that add up to 1 are all below 1/255. */
const PLAIN = ["hitmiss_3x3", "l1_norm"];

describe.skipIf(graphs === null)("onnx-cv-graph (needs ../shared/data)", () => {
  const files = graphs === null ? [] : [...new Glob("**/*.onnx").scanSync(graphs)].sort();

  test("every model runs by its draft; those of two images take the second from callers", async () => {
    await using workspace = await OnnxWorkspace.create();
    const taking: string[] = [];
    for (const file of files) {
      const { onnx, json } = await draftOf(`${graphs}/${file}`);
      await workspace.add(basename(file, ".onnx"), json, onnx);
    }
    const picture = await testCard(96, 64);
    const plain: string[] = [];
    for (const file of files) {
      const name = basename(file, ".onnx");
      await using host = await workspace.host();
      const { params } = (await host.acquire(name)).definition;
      if (params.some(({ type }) => type === "picture")) taking.push(name);
      const result = await run(host, name, picture, PARAMS[name]);
      const [width, height] = SIZES[name] ?? [96, 64];
      expect([name, result.width, result.height]).toEqual([name, width, height]);
      if (new Set(result.data).size < 2) plain.push(name);
    }
    expect(plain).toEqual(PLAIN);
    expect(taking).toEqual(["mask_composite", "weighted_add"]);
  }, 60_000);

  test("their results are exact", async () => {
    await using workspace = await OnnxWorkspace.create();
    for (const file of ["grayscale", "brightness", "channel_r"]) {
      const path = files.find((each) => each.endsWith(`/${file}.onnx`));
      const { onnx, json } = await draftOf(`${graphs}/${path}`);
      await workspace.add(file, json, onnx);
    }
    const flip = await draftOf(`${graphs}/${files.find((each) => each.endsWith("/hflip.onnx"))}`);
    await workspace.add("hflip", flip.json, flip.onnx);
    await using host = await workspace.host();
    const noise = noisePicture(50, 34);

    const gray = mapPixels(noise, ([r, g, b]) => {
      const luma = 0.299 * r + 0.587 * g + 0.114 * b;
      return [luma, luma, luma];
    });
    expect(maxDifference(await run(host, "grayscale", noise), gray)).toBeLessThanOrEqual(1);
    const bright = mapPixels(noise, (rgb) => rgb.map((each) => each + 0.2 * 255));
    expect(
      maxDifference(await run(host, "brightness", noise, { brightness: 0.2 }), bright),
    ).toBeLessThanOrEqual(1);
    const flipped = await run(host, "hflip", noise);
    for (const [x, y] of [
      [0, 0],
      [13, 8],
      [49, 33],
    ] as const) {
      expect(sample(flipped, 2, 49 - x, y)).toBe(sample(noise, 2, x, y));
    }
  });
});

describe.skipIf(styles === null)("style models (needs ../shared/data)", () => {
  test.each(["candy", "mosaic"])(
    "%s produces a 256² frame over the whole range of values",
    async (name) => {
      await using workspace = await OnnxWorkspace.create();
      const { onnx, json } = await draftOf(`${styles}/${name}_nc16_256.onnx`);
      const range = [0, 255];
      const [[input, frame]] = Object.entries(json.inputs ?? {}) as [[string, object]];
      const [[output, image]] = Object.entries(json.outputs ?? {}) as [[string, object]];
      await workspace.add(
        name,
        {
          ...json,
          inputs: { [input]: { ...frame, range } },
          outputs: { [output]: { ...image, range } },
        },
        onnx,
      );
      await using host = await workspace.host();
      const model = await host.acquire(name);
      expect(model.inputSize({ width: 1280, height: 720 })).toEqual({ width: 256, height: 256 });
      const picture = await run(host, name, await testCard(256, 256));
      expect([picture.width, picture.height]).toEqual([256, 256]);
      expect(new Set(picture.data).size).toBeGreaterThan(200);
    },
  );
});
