import { expect, test } from "bun:test";
import type { JobContext, MadeImages } from "../../../src/capabilities/capability.ts";
import { comfystreamImage } from "../../../src/capabilities/comfystream-image.ts";
import { WorkerError } from "../../../src/errors.ts";

/** Keeps what the engines were asked for; answers three bytes. */
class Recorder implements JobContext {
  readonly signal = new AbortController().signal;
  readonly route = "network";
  readonly streams = { start: () => Promise.reject(new Error("not asked for")) };
  readonly asked: { body: unknown; file: Uint8Array | null }[] = [];
  described: unknown = null;
  made: Partial<MadeImages> = {};
  readonly images = {
    make: async (body: unknown, file: Uint8Array | null): Promise<MadeImages> => {
      this.asked.push({ body, file });
      const png = Uint8Array.of(1, 2, 3);
      const made = {
        pictures: [{ png, width: 64, height: 48 }],
        texts: {},
        warnings: [],
        ...this.made,
      };
      return { ...made, ignored: [], metadata: { model: "edges", seed: 7 } };
    },
  };
  readonly reserve = (): void => {};
  readonly progress = (): void => {};
  readonly describe = (metadata: unknown): void => {
    this.described = metadata;
  };
}

test("the answer holds the PNG as a data URI, the metadata goes beside it", async () => {
  const context = new Recorder();
  expect(await comfystreamImage.run({ prompts: [{ prompt: "a cat" }] }, context)).toEqual({
    success: true,
    message: expect.any(String),
    width: 64,
    height: 48,
    images: [{ data: "data:image/png;base64,AQID", width: 64, height: 48 }],
  });
  expect(context.described).toEqual({ model: "edges", seed: 7 });
  expect(context.asked).toEqual([{ body: { prompts: [{ prompt: "a cat" }] }, file: null }]);
});

test("a graph's pictures come with their nodes and places, its texts by node", async () => {
  const context = new Recorder();
  const png = Uint8Array.of(1, 2, 3);
  const pictures = [0, 1].map((index) => ({ png, width: 8, height: 9, node: "12", index }));
  context.made = { pictures, texts: { "4": "a fox" } };
  expect(await comfystreamImage.run({}, context)).toMatchObject({
    width: 8,
    height: 9,
    texts: { "4": "a fox" },
    images: [0, 1].map((index) => ({ node: "12", index, width: 8, height: 9 })),
  });
  context.made = { pictures: [], texts: { "4": "a fox" } };
  expect(await comfystreamImage.run({}, context)).toMatchObject({
    width: 0,
    height: 0,
    images: [],
  });
});

test.each([
  "data:image/png;base64,AQID",
  "data:image/jpeg;base64,AQID",
  "data:image/jpg;base64,AQID",
  "data:image/webp;base64,AQID",
  "DATA:IMAGE/PNG;BASE64,AQID",
  "data:image/png;name=a.png;base64,AQID",
])("%s is taken apart, and all else is passed on", async (image) => {
  const context = new Recorder();
  await comfystreamImage.run({ image, model: "edges", strength: 2 }, context);
  const file = Uint8Array.of(1, 2, 3);
  expect(context.asked).toEqual([{ body: { model: "edges", strength: 2 }, file }]);
});

test.each([
  "",
  "cat.png",
  "http://127.0.0.1/cat.png",
  "data:,AQID",
  "data:image/gif;base64,AQID",
  "data:image/png,AQID",
  "data:image/png;base64,AQI*",
  "data:image/png;base64,A",
])("%j is refused, naming the field", async (image) => {
  const context = new Recorder();
  const error = await Promise.resolve(comfystreamImage.run({ image }, context)).catch(
    (why: unknown) => why,
  );
  if (!(error instanceof WorkerError)) throw new Error(`not refused: ${error}`);
  expect(error.kind).toBe("invalid_request");
  expect(error.details[0]?.field).toBe("image");
  expect(error.message).toContain("image");
  expect(context.asked).toEqual([]);
});
