/** Small graphs of image nodes: exact where ComfyUI is, and refused with the node's name. */
import { describe, expect, test } from "bun:test";
import { type PackedPicture, readPackedPicture } from "../../src/engine/codec/packed-picture.ts";
import { runImages } from "../support/image-graphs.ts";
import { rejection } from "../support/onnx-workspace.ts";
import { buildPng, GRAY, PALETTE, RGB_ALPHA } from "../support/png-builder.ts";

type Inputs = Record<string, unknown>;

const node = (className: string, inputs: Inputs = {}) => ({ class_type: className, inputs });
const load = (image: string) => node("LoadImage", { image });
const save = (from: string, output = 0) =>
  node("SaveImage", { images: [from, output], filename_prefix: "x" });

/** Rows of pixels; each pixel is one number, of which the channels are 1, 2 and 3 times as bright. */
function picture(...rows: number[][]): PackedPicture {
  const data = Uint8Array.from(rows.flat().flatMap((level) => [level, level * 2, level * 3]));
  return { data, width: rows[0]?.length ?? 0, height: rows.length, channels: 3 };
}

/** The red channel of what `save` shows, by rows, and the dimensions. */
async function red(graph: Record<string, unknown>, pictures: Record<string, PackedPicture>) {
  const { dims, data } = (await runImages(graph, pictures))["save"] ?? { dims: [], data: [] };
  const [, , width = 1, channels = 3] = dims;
  const reds = [...data].filter((_, at) => at % channels === 0).map(Number);
  const rows = Array.from({ length: reds.length / width }, (_, row) =>
    reds.slice(row * width, (row + 1) * width),
  );
  return { dims, rows };
}

const SIX = picture([1, 2, 3], [4, 5, 6]);

/** What one node makes of a picture of six levels. */
const changed = (className: string, inputs: Inputs) =>
  red(
    { a: load("six.png"), b: node(className, { image: ["a", 0], ...inputs }), save: save("b") },
    { "six.png": SIX },
  );

describe("image graphs", () => {
  test("an inverted picture is truncated, not rounded, as float32 gives it", async () => {
    const levels = Array.from({ length: 256 }, (_, level) => level);
    const ramp: PackedPicture = {
      data: Uint8Array.from(levels.flatMap((level) => [level, level, level])),
      width: 256,
      height: 1,
      channels: 3,
    };
    const graph = {
      a: load("ramp.png"),
      b: node("ImageInvert", { image: ["a", 0] }),
      save: save("b"),
    };
    const { rows } = await red(graph, { "ramp.png": ramp });
    const f = Math.fround;
    expect(rows[0]).toEqual(levels.map((level) => Math.trunc(f(f(1 - f(level / 255)) * 255))));
    expect(levels.filter((level) => rows[0]?.[level] === 254 - level)).toHaveLength(159);
  });

  test("pictures are cropped, mirrored and turned clockwise", async () => {
    expect((await changed("ImageCrop", { x: 1, y: 1, width: 9, height: 9 })).rows).toEqual([
      [5, 6],
    ]);
    expect((await changed("ImageFlip", { flip_method: "y-axis: horizontally" })).rows).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect((await changed("ImageRotate", { rotation: "90 degrees" })).rows).toEqual([
      [4, 1],
      [5, 2],
      [6, 3],
    ]);
    expect((await changed("ImageRotate", { rotation: "180 degrees" })).rows).toEqual([
      [6, 5, 4],
      [3, 2, 1],
    ]);
  });

  test("pictures are resized by every method, and plain ones stay plain", async () => {
    const scaled = { upscale_method: "nearest-exact", width: 6, height: 2, crop: "disabled" };
    expect((await changed("ImageScale", scaled)).rows).toEqual([
      [1, 1, 2, 2, 3, 3],
      [4, 4, 5, 5, 6, 6],
    ]);
    const plain = { "plain.png": picture(...new Array<number[]>(8).fill(new Array(8).fill(77))) };
    for (const upscale_method of ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]) {
      for (const width of [3, 20]) {
        const inputs = { image: ["a", 0], upscale_method, width, height: 5, crop: "center" };
        const graph = { a: load("plain.png"), b: node("ImageScale", inputs), save: save("b") };
        const { dims, rows } = await red(graph, plain);
        expect(dims).toEqual([1, 5, width, 3]);
        // A sum of three equal numbers, divided by three, may lie just below them, as in torch.
        for (const level of rows.flat())
          expect(Math.abs(level - 77)).toBeLessThanOrEqual(upscale_method === "area" ? 1 : 0);
      }
    }
  });

  test("lanczos shrinks the height first where it shrinks by much more, as Pillow 13 does", async () => {
    const rows = Array.from({ length: 8 }, (_, y) => [0, 1, 2].map((x) => (x * 37 + y * 53) % 84));
    const inputs = { upscale_method: "lanczos", width: 2, height: 3, crop: "disabled" };
    const graph = {
      a: load("tall.png"),
      b: node("ImageScale", { image: ["a", 0], ...inputs }),
      save: save("b"),
    };
    // Pillow 13.0.0; with the width first it is [28, 41], [51, 41], [44, 38].
    expect((await red(graph, { "tall.png": picture(...rows) })).rows).toEqual([
      [28, 42],
      [51, 40],
      [44, 37],
    ]);
  });

  test("lanczos weighs colours by their alpha", async () => {
    const data = Uint8Array.of(
      ...[200, 10, 90, 255, 40, 250, 60, 65, 9, 99, 199, 0],
      ...[120, 130, 140, 128, 255, 0, 1, 200, 77, 7, 70, 0],
    );
    const inputs = { upscale_method: "lanczos", width: 2, height: 2, crop: "disabled" };
    const graph = {
      a: load("clear.png"),
      b: node("JoinImageWithAlpha", { image: ["a", 0], alpha: ["a", 1] }),
      c: node("ImageScale", { image: ["b", 0], ...inputs }),
      save: save("c"),
    };
    const pictures = { "clear.png": { data, width: 3, height: 2, channels: 4 } as const };
    const shown = (await runImages(graph, pictures))["save"];
    expect(shown?.dims).toEqual([1, 2, 2, 4]);
    // Pillow 13.0.0.
    expect([...(shown?.data ?? [])]).toEqual([
      ...[177, 43, 85, 194, 0, 255, 0, 9],
      ...[187, 64, 70, 167, 255, 0, 0, 74],
    ]);
  });

  test("even kernels of Morphology reach further on one side, and back", async () => {
    const dots = picture([0, 0, 0, 0, 0], [0, 9, 0, 0, 0], [0, 0, 0, 5, 0], [0, 0, 0, 0, 0]);
    const changedBy = async (operation: string) => {
      const inputs = { image: ["a", 0], operation, kernel_size: 4 };
      const graph = { a: load("dots.png"), b: node("Morphology", inputs), save: save("b") };
      return (await red(graph, { "dots.png": dots })).rows;
    };
    // kornia 0.9.0.
    expect(await changedBy("dilate")).toEqual([
      [9, 9, 9, 5, 5],
      [9, 9, 9, 5, 5],
      [9, 9, 9, 5, 5],
      [0, 5, 5, 5, 5],
    ]);
    expect(await changedBy("close")).toEqual([
      [9, 9, 5, 5, 5],
      [9, 9, 5, 5, 5],
      [0, 0, 0, 5, 5],
      [0, 0, 0, 5, 5],
    ]);
  });

  test("one picture meets each of a batch, whatever their sizes", async () => {
    const inputs = {
      blend: { image1: ["a", 0], image2: ["b", 0], blend_factor: 1, blend_mode: "normal" },
      paste: { destination: ["b", 0], source: ["a", 0], x: 0, y: 0, resize_source: true },
      join: { image: ["b", 0], alpha: ["a", 1] },
    };
    const classes = {
      blend: "ImageBlend",
      paste: "ImageCompositeMasked",
      join: "JoinImageWithAlpha",
    } as const;
    for (const name of ["blend", "paste", "join"] as const) {
      const graph = {
        a: load("six.png"),
        one: load("one.png"),
        b: node("RepeatImageBatch", { image: ["one", 0], amount: 3 }),
        c: node(classes[name], inputs[name]),
        save: save("c"),
      };
      const pictures = { "six.png": SIX, "one.png": picture([70, 70], [70, 70]) };
      const dims = (await runImages(graph, pictures))["save"]?.dims;
      const wanted = { blend: [3, 2, 3, 3], paste: [3, 2, 2, 3], join: [1, 2, 2, 4] };
      expect({ name, dims }).toEqual({ name, dims: wanted[name] });
    }
  });

  test("transparency becomes a mask; an opaque picture has one of 64 × 64", async () => {
    const clear: PackedPicture = {
      data: Uint8Array.of(9, 8, 7, 255, 9, 8, 7, 0),
      width: 2,
      height: 1,
      channels: 4,
    };
    const graph = {
      a: load("p.png"),
      b: node("MaskToImage", { mask: ["a", 1] }),
      save: save("b"),
      colours: save("a"),
    };
    const shown = await runImages(graph, { "p.png": clear });
    expect([...(shown["save"]?.data ?? [])]).toEqual([0, 0, 0, 255, 255, 255]);
    expect([...(shown["colours"]?.data ?? [])]).toEqual([9, 8, 7, 9, 8, 7]);
    expect((await red(graph, { "p.png": SIX })).dims).toEqual([1, 64, 64, 3]);
  });

  test("masks grow by diamonds or squares, also by more than the mask is wide", async () => {
    const dot = picture(
      ...[0, 1, 2, 3, 4].map((y) => [0, 1, 2, 3, 4].map((x) => (x === 2 && y === 2 ? 80 : 0))),
    );
    const grown = (expand: number, tapered_corners: boolean) =>
      red(
        {
          a: load("dot.png"),
          b: node("ImageToMask", { image: ["a", 0], channel: "red" }),
          c: node("GrowMask", { mask: ["b", 0], expand, tapered_corners }),
          d: node("MaskToImage", { mask: ["c", 0] }),
          save: save("d"),
        },
        { "dot.png": dot },
      );
    for (const expand of [1, 2, 3, 4, 50]) {
      const { rows } = await grown(expand, true);
      const wanted = rows.map((row, y) =>
        row.map((_, x) => (Math.abs(x - 2) + Math.abs(y - 2) <= expand ? 80 : 0)),
      );
      expect(rows).toEqual(wanted);
    }
    const square = (await grown(1, false)).rows;
    expect(square[1]).toEqual([0, 80, 80, 80, 0]);
    expect(square[0]).toEqual([0, 0, 0, 0, 0]);
  });

  test("a source is pasted where it is visible, and masked", async () => {
    const graph = {
      a: load("six.png"),
      one: load("one.png"),
      b: node("ImageCompositeMasked", {
        destination: ["a", 0],
        source: ["one", 0],
        x: 2,
        y: 1,
        resize_source: false,
      }),
      save: save("b"),
    };
    const pictures = { "six.png": SIX, "one.png": picture([70, 70], [70, 70]) };
    expect((await red(graph, pictures)).rows).toEqual([
      [1, 2, 3],
      [4, 5, 70],
    ]);
  });

  test("a batch has several pictures, and a size may come from another node", async () => {
    const graph = {
      a: load("six.png"),
      size: node("GetImageSize", { image: ["a", 0] }),
      empty: node("EmptyImage", {
        width: ["size", 1],
        height: ["size", 0],
        batch_size: 1,
        color: 0x112233,
      }),
      b: node("ImageBatch", { image1: ["empty", 0], image2: ["empty", 0] }),
      c: node("RepeatImageBatch", { image: ["b", 0], amount: 3 }),
      d: node("ImageFromBatch", { image: ["c", 0], batch_index: 4, length: 9 }),
      save: save("d"),
    };
    const { dims, rows } = await red(graph, { "six.png": SIX });
    expect(dims).toEqual([2, 3, 2, 3]);
    expect(new Set(rows.flat())).toEqual(new Set([0x11]));
  });

  test("weak edges count where they touch strong ones, however far they lead", async () => {
    // The step at column 8 fades from 70 levels to 31; the one at column 18 has 28 levels throughout.
    const rows = Array.from({ length: 40 }, (_, y) => {
      const level = (x: number): number => (x < 8 ? 10 : 80 - y) + (x < 18 ? 0 : 28);
      return Array.from({ length: 26 }, (_, x) => (level(x - 1) + level(x)) >> 1);
    });
    const grey: PackedPicture = {
      data: Uint8Array.from(rows.flat().flatMap((level) => [level, level, level])),
      width: 26,
      height: 40,
      channels: 3,
    };
    const edges = (low_threshold: number) =>
      red(
        {
          a: load("grey.png"),
          b: node("Canny", { image: ["a", 0], low_threshold, high_threshold: 0.6 }),
          save: save("b"),
        },
        { "grey.png": grey },
      );
    const { rows: linked } = await edges(0.25);
    const edgesOf = (row: number[] | undefined) =>
      row?.flatMap((level, x) => (level > 0 ? [x] : []));
    expect(edgesOf(linked[2])).toEqual([8]);
    expect(edgesOf(linked[37])).toEqual([8]);
    const { rows: apart } = await edges(0.5);
    expect(edgesOf(apart[2])).toEqual([8]);
    expect(edgesOf(apart[37])).toEqual([]);
  });

  test("the stand-ins composite by a mask, paint plain pictures and blur in pixels", async () => {
    const graph = {
      a: load("six.png"),
      b: node("BackgroundColor", { images: ["a", 0], color: "red" }),
      m: node("LoadImageMask", { image: "mask.png", channel: "red" }),
      c: node("Composite", {
        foregrounds: ["a", 0],
        backgrounds: ["b", 0],
        foreground_masks: ["m", 0],
        mode: "cpu",
      }),
      save: save("c"),
    };
    const mask = picture([255, 0, 255], [0, 255, 0]);
    const { rows } = await red(graph, { "six.png": SIX, "mask.png": mask });
    expect(rows).toEqual([
      [1, 255, 3],
      [255, 5, 255],
    ]);
    const spot = picture(
      ...[0, 1, 2].map((y) => [0, 1, 2].map((x) => (x === 1 && y === 1 ? 80 : 0))),
    );
    const blur = {
      a: load("spot.png"),
      b: node("GaussianBlur", { images: ["a", 0], kernel_size: 3, sigma: 1, mode: "cpu" }),
      save: save("b"),
    };
    const side = Math.exp(-1 / 2) / (1 + 2 * Math.exp(-1 / 2));
    const centre = 1 - 2 * side;
    // The border mirrors the spot, so each corner sees it from four sides.
    const soft = (await red(blur, { "spot.png": spot })).rows;
    expect(soft[1]?.[1]).toBe(Math.trunc(80 * centre * centre));
    expect(soft[0]?.[0]).toBe(Math.trunc(80 * 4 * side * side));
    expect(soft[0]?.[1]).toBe(Math.trunc(80 * 2 * side * centre));
  });

  test("a picture keeps its colours where there are enough, and its brightness where there are few", async () => {
    const quantized = (image: PackedPicture, colors: number, dither: string) =>
      red(
        {
          a: load("a.png"),
          b: node("ImageQuantize", { image: ["a", 0], colors, dither }),
          save: save("b"),
        },
        { "a.png": image },
      );
    expect((await quantized(SIX, 6, "none")).rows).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    // Half of it is black or white, and half dark grey: neither of two colours.
    const levels = Array.from({ length: 256 }, (_, at) => (at < 128 ? (at % 2) * 85 : 20));
    const image = picture(
      ...Array.from({ length: 16 }, (_, y) => levels.slice(y * 16, y * 16 + 16)),
    );
    /** Of the grey half, but for its first rows, which make up for what was before. */
    const grey = async (dither: string) => {
      const { rows } = await quantized(image, 2, dither);
      expect(new Set(rows.flat()).size).toBe(2);
      const shown = rows.slice(10).flat();
      const mean = shown.reduce((sum, level) => sum + level) / shown.length;
      return { colours: new Set(shown).size, isTrue: Math.abs(mean - 20) < 3 };
    };
    expect(await grey("none")).toEqual({ colours: 1, isTrue: false });
    expect(await grey("floyd-steinberg")).toEqual({ colours: 2, isTrue: true });
    expect((await grey("bayer-4")).colours).toBe(2);
  });

  const empty = (size: Inputs) => node("EmptyImage", { batch_size: 1, color: 0, ...size });
  const tiny = { width: 8, height: 8 };
  test.each<[string, Record<string, object>, string]>([
    [
      "a blur that reaches beyond the picture",
      { a: load("six.png"), b: node("ImageBlur", { image: ["a", 0], blur_radius: 5, sigma: 1 }) },
      "node b (ImageBlur): blur_radius reaches 5 pixels; at most 1 fit a picture of 3x2",
    ],
    [
      "a picture of a gigabyte",
      { b: empty({ width: 16384, height: 16384 }) },
      "node b (EmptyImage): would give 1x16384x16384x3 samples",
    ],
    [
      "noise of a hundred megabytes",
      {
        a: empty({ width: 2600, height: 2600 }),
        b: node("ImageAddNoise", { image: ["a", 0], seed: 1, strength: 1 }),
      },
      "node b (ImageAddNoise): image is 1 of 2600x2600; at most 16777216 samples can get noise",
    ],
    [
      "palettes of many pictures",
      {
        a: empty({ ...tiny, batch_size: 5 }),
        b: node("ImageQuantize", { image: ["a", 0], colors: 256, dither: "none" }),
      },
      "image is a batch of 5; at most 4 can get 256",
    ],
  ])("%s is refused with the node", async (_, nodes, problem) => {
    const { message } = await rejection(
      runImages({ ...nodes, save: save("b") }, { "six.png": SIX }),
    );
    expect(message).toContain(problem);
  });
});

describe("picture files", () => {
  test("transparency stays beside the colours", async () => {
    const file = buildPng({
      width: 1,
      height: 1,
      colourType: RGB_ALPHA,
      rows: [[200, 100, 50, 10]],
    });
    const { data, channels } = await readPackedPicture(file);
    expect({ data: [...data], channels }).toEqual({ data: [200, 100, 50, 10], channels: 4 });
  });

  test("a palette without transparency gives an opaque picture", async () => {
    const palette = ["PLTE", [10, 20, 30, 40, 50, 60]] as const;
    const parts = { width: 2, height: 1, colourType: PALETTE, rows: [[0, 1]] };
    const opaque = await readPackedPicture(buildPng({ ...parts, chunks: [palette] }));
    expect([...opaque.data]).toEqual([10, 20, 30, 40, 50, 60]);
    const clear = buildPng({ ...parts, chunks: [palette, ["tRNS", [0, 255]]] });
    expect([...(await readPackedPicture(clear)).data]).toEqual([10, 20, 30, 0, 40, 50, 60, 255]);
  });

  test("16 bits of grey are cut off at 255", async () => {
    const rows = [[0, 0, 0, 7, 0, 200, 1, 0, 255, 255]];
    const { data } = await readPackedPicture(
      buildPng({ width: 5, height: 1, depth: 16, colourType: GRAY, rows }),
    );
    expect([...data].filter((_, at) => at % 3 === 0)).toEqual([0, 7, 200, 255, 255]);
  });
});
