/** Control pictures of another size are stretched as Pillow 13 does, whose bytes these are. */
import { expect, test } from "bun:test";
import { resizedAsPillow } from "../../../../src/engine/diffusion/pillow-resize.ts";

const picture = (width: number, height: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, at) => (at * at * 7 + at * 31) % 256),
});

test.each([
  [[5, 3], [3, 4], "0658d53b6eaaac7344dc6213ffc10cb9bf475798985078a510aad786b565deab36b6977e"],
  [[4, 9], [6, 2], "977457778682baa28685654b81abb25b475ea0865b4d5e6e5f6a91ba9c758663558c8f78"],
  [
    [3, 12],
    [7, 4],
    "686f79817d746f878b919590898472777e837d7570706c677294b0c17c8fadbc9d775f959087725a4b438c7650354a6d83445c83a8a48e80bfa57b596a8ca13d557da4a28c7eafa99d88746a65bba9895b3d3532",
  ],
] as const)("%p to %p", ([width, height], [newWidth, newHeight], bytes) => {
  const resized = resizedAsPillow(picture(width, height), { width: newWidth, height: newHeight });
  expect([resized.width, resized.height]).toEqual([newWidth, newHeight]);
  expect(Buffer.from(resized.data).toString("hex")).toBe(bytes);
});

test("one of the right size is given as it is", () => {
  const same = picture(4, 4);
  expect(resizedAsPillow(same, { width: 4, height: 4 })).toBe(same);
});
