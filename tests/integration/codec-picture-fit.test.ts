/** Tests how pictures are fitted to a size: stretched, cropped or padded. */
import { beforeAll, describe, expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import {
  BLACK,
  BLUE,
  expectColour,
  GREEN,
  paint,
  quarters,
  RED,
  slopes,
  through,
  WHITE,
} from "../support/painted-picture.ts";

beforeAll(quietLibav);

describe("geometry", () => {
  test("stretch keeps all corners", async () => {
    for (const size of [
      { width: 64, height: 200 },
      { width: 322, height: 80 },
    ]) {
      const out = await through(quarters({ width: 200, height: 100 }), size, "stretch");
      expect([out.width, out.height]).toEqual([size.width, size.height]);
      expectColour(out, 0.1, 0.1, RED);
      expectColour(out, 0.9, 0.1, GREEN);
      expectColour(out, 0.1, 0.9, BLUE);
      expectColour(out, 0.9, 0.9, WHITE);
    }
  });

  test("cover crops the sides of a wide picture and the top and bottom of a tall one", async () => {
    const wide = paint({ width: 400, height: 100 }, (x) =>
      x < 140 ? RED : x < 200 ? GREEN : x < 260 ? BLUE : WHITE,
    );
    const out = await through(wide, { width: 120, height: 100 }, "cover");
    expectColour(out, 0.1, 0.5, GREEN);
    expectColour(out, 0.45, 0.5, GREEN);
    expectColour(out, 0.55, 0.5, BLUE);
    expectColour(out, 0.9, 0.5, BLUE);
    const tall = paint({ width: 100, height: 400 }, (_, y) =>
      y < 140 ? RED : y < 200 ? GREEN : y < 260 ? BLUE : WHITE,
    );
    const cut = await through(tall, { width: 200, height: 240 }, "cover");
    expectColour(cut, 0.5, 0.1, GREEN);
    expectColour(cut, 0.5, 0.9, BLUE);
  });

  test("contain keeps everything and pads both sides equally with black", async () => {
    const out = await through(
      quarters({ width: 200, height: 100 }),
      { width: 200, height: 200 },
      "contain",
    );
    expectColour(out, 0.5, 0.1, BLACK);
    expectColour(out, 0.5, 0.9, BLACK);
    expectColour(out, 0.05, 0.28, RED);
    expectColour(out, 0.95, 0.28, GREEN);
    expectColour(out, 0.05, 0.72, BLUE);
    expectColour(out, 0.95, 0.72, WHITE);
    const tall = await through(
      quarters({ width: 100, height: 200 }),
      { width: 322, height: 200 },
      "contain",
    );
    expectColour(tall, 0.1, 0.5, BLACK);
    expectColour(tall, 0.9, 0.5, BLACK);
    expectColour(tall, 0.4, 0.05, RED);
    expectColour(tall, 0.6, 0.95, WHITE);
  });

  test("a model of a fixed size gets the fitted picture scaled to its size", async () => {
    const size = { width: 320, height: 160 };
    const target = { width: 96, height: 96 };
    const out = await through(quarters({ width: 160, height: 160 }), size, "contain", target);
    expect([out.width, out.height]).toEqual([96, 96]);
    expectColour(out, 0.1, 0.5, BLACK);
    expectColour(out, 0.3, 0.1, RED);
    expectColour(out, 0.7, 0.9, WHITE);
  });

  test("every fit gives exactly the requested size, also for odd ones", async () => {
    using converter = new PictureConverter(UNRECORDED_CALLS);
    const sizes: Size[] = [
      { width: 64, height: 64 },
      { width: 322, height: 182 },
      { width: 854, height: 480 },
      { width: 66, height: 1024 },
      { width: 1022, height: 64 },
    ];
    for (const from of sizes) {
      const frame = await converter.toFrame(slopes(from), from, "stretch");
      for (const to of [...sizes, { width: 299, height: 299 }]) {
        for (const fit of ["cover", "contain", "stretch"] as const) {
          const { width, height } = await converter.toPicture(frame, to, fit);
          expect([width, height]).toEqual([to.width, to.height]);
          if (to.width % 2 === 1) continue;
          const resized = await converter.resize(frame, to, fit);
          expect([resized.width, resized.height]).toEqual([to.width, to.height]);
          resized.free();
        }
      }
      frame.free();
    }
  });
});
