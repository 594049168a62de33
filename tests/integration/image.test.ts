import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  BLUE,
  dataUri,
  GREEN,
  jpegFile,
  pictureOf,
  pngFile,
  type Quarters,
  quarters,
  quartersOf,
  RED,
  WHITE,
  webpFile,
} from "../support/image-files.ts";
import { noisePicture } from "../support/onnx-workspace.ts";
import { buildPng, GRAY } from "../support/png-builder.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";

setDefaultTimeout(20_000);

const LIVEPEER = btoa(JSON.stringify({ request: "{}", capability: "comfystream-image" }));
const COLOURS: Quarters = [RED, GREEN, BLUE, WHITE];

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(MAIN);
});
afterAll(() => server[Symbol.asyncDispose]());

async function ask(body: unknown, path = "/c/comfystream-image", headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${server.url}${path}`, { method: "POST", body: text, headers });
  const metadata = JSON.parse(response.headers.get("x-metadata") ?? "null");
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return { status: response.status, metadata, body: (await response.json()) as any };
}

async function pictureFrom(body: Record<string, unknown>) {
  const answer = await ask(body);
  expect(answer.body).toMatchObject({ success: true });
  return pictureOf(answer.body.images[0].data);
}

describe("a picture from a prompt", () => {
  test.each([
    ["/process/request/comfystream-image", { livepeer: LIVEPEER }],
    ["/c/comfystream-image", {}],
    ["/comfystream-image", {}],
  ])("by %s", async (path, headers) => {
    const prompts = [{ prompt: "a beautiful portrait" }];
    const answer = await ask({ prompts, width: 512, height: 512 }, path, headers);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      success: true,
      message: expect.any(String),
      width: 512,
      height: 512,
      images: [{ data: expect.any(String), width: 512, height: 512 }],
    });
    expect(await pictureOf(answer.body.images[0].data)).toMatchObject({ width: 512, height: 512 });
    expect(answer.metadata).toMatchObject({
      model: expect.any(String),
      timings_ms: { inference: expect.any(Number), total: expect.any(Number) },
    });
    expect(answer.metadata).toHaveProperty("seed");
  });

  test("without a size it is 512 x 512, and the same request gives the same bytes", async () => {
    const [one, two] = await Promise.all([ask({ prompt: "x" }), ask({ prompt: "x" })]);
    expect(one.body).toMatchObject({ width: 512, height: 512 });
    expect(two.body.images[0].data).toBe(one.body.images[0].data);
  });

  test("a model that changes a picture requires one; a model that draws lists it as ignored", async () => {
    const answer = await ask({ prompt: "x", model: "edges" });
    expect(answer).toMatchObject({ status: 400, body: { details: [{ field: "image" }] } });
    const image = dataUri("png", await pngFile(quarters(64, 64, COLOURS)));
    const drawn = await ask({ prompt: "x", model: "dreamscape", image });
    expect(drawn).toMatchObject({ status: 200, body: { ignored: ["image"] } });
  });
});

describe("a picture through a model", () => {
  test("the identity returns a PNG sample by sample, also with odd sides", async () => {
    const picture = noisePicture(321, 201);
    const image = dataUri("png", await pngFile(picture));
    expect(await pictureFrom({ image, model: "identity" })).toEqual(picture);
  });

  test.each(["jpeg", "lossy webp", "lossless webp"])("%s keeps its colours", async (kind) => {
    const picture = quarters(160, 96, COLOURS);
    const image =
      kind === "jpeg"
        ? dataUri("jpeg", await jpegFile(picture))
        : dataUri("webp", await webpFile(picture, kind === "lossy webp" ? "lossy" : "lossless"));
    const shown = await pictureFrom({ image, model: "identity" });
    expect(shown).toMatchObject({ width: 160, height: 96 });
    expectColours(quartersOf(shown), COLOURS);
  });

  test.each([
    [1, [RED, GREEN, BLUE, WHITE]],
    [2, [GREEN, RED, WHITE, BLUE]],
    [3, [WHITE, BLUE, GREEN, RED]],
    [4, [BLUE, WHITE, RED, GREEN]],
    [5, [RED, BLUE, GREEN, WHITE]],
    [6, [BLUE, RED, WHITE, GREEN]],
    [7, [WHITE, GREEN, BLUE, RED]],
    [8, [GREEN, WHITE, RED, BLUE]],
  ] as [number, Quarters][])(
    "a photo with EXIF orientation %i is turned upright",
    async (turn, upright) => {
      const image = dataUri("jpeg", await jpegFile(quarters(160, 96, COLOURS), turn));
      const shown = await pictureFrom({ image, model: "identity" });
      expect([shown.width, shown.height]).toEqual(turn < 5 ? [160, 96] : [96, 160]);
      expectColours(quartersOf(shown), upright);
    },
  );

  test("the content decides the type of a file, not the type in its URI", async () => {
    const image = dataUri("jpeg", await pngFile(quarters(64, 64, COLOURS)));
    expectColours(quartersOf(await pictureFrom({ image, model: "identity" })), COLOURS);
  });

  test("parameters of the model are applied, others are listed as ignored", async () => {
    const image = dataUri("png", await pngFile(quarters(64, 64, COLOURS)));
    const dark = await ask({ image, model: "edges", strength: 0, guidance: 7, fps: 5 });
    expect(dark.body.ignored).toEqual(["guidance", "fps"]);
    expect(Math.max(...(await pictureOf(dark.body.images[0].data)).data)).toBe(0);
    const bright = await pictureFrom({ image, model: "edges", strength: 4 });
    expect(Math.max(...bright.data)).toBe(255);
  });

  test.each([
    ["fps", ["a"]],
    ["bitrate", "much"],
    ["paused", 7],
    ["marker", { at: 1 }],
    ["fallback", [null]],
    ["stream_url", 3],
  ])("%s, which only a stream has, is listed as ignored whatever it holds", async (name, value) => {
    const answer = await ask({ prompts: "a lake", width: 64, height: 64, [name]: value });
    expect(answer).toMatchObject({ status: 200, body: { ignored: [name] } });
  });

  test("the picture is fitted to width and height by cropping, padding or stretching", async () => {
    const image = dataUri("png", await pngFile(quarters(200, 100, COLOURS)));
    const fitted = (fit: string) =>
      pictureFrom({ image, model: "identity", width: 128, height: 128, fit });
    for (const fit of ["cover", "stretch"]) {
      const shown = await fitted(fit);
      expect(shown).toMatchObject({ width: 128, height: 128 });
      expectColours(quartersOf(shown), COLOURS);
    }
    const barred = await fitted("contain");
    expect(barred.data.subarray(0, 128 * 16)).toEqual(new Uint8Array(128 * 16));
  });
});

describe("refusals", () => {
  const text = "data:image/png;base64,aGVsbG8gd29ybGQ=";

  test.each([
    [{}, "prompts", "invalid_request"],
    [{ prompts: [] }, "prompts", "invalid_request"],
    [{ prompts: { "1": { class_type: "KSampler" } } }, "prompts", "invalid_request"],
    [{ image: "https://example.org/cat.png" }, "image", "invalid_request"],
    [{ image: "data:image/gif;base64,R0lGODlh" }, "image", "invalid_request"],
    [{ image: "data:image/png,%89PNG" }, "image", "invalid_request"],
    [{ image: "data:image/png;base64,@@@@" }, "image", "invalid_request"],
    [{ image: "" }, "image", "invalid_request"],
    [{ image: 5 }, "image", "invalid_request"],
    [{ image: "data:image/png;base64," }, "image", "unsupported_media"],
    [{ image: text }, "image", "unsupported_media"],
    [{ prompt: "x", width: 63, height: 64 }, "width", "invalid_request"],
    [{ prompt: "x", width: 64 }, "height", "invalid_request"],
    [{ prompt: "x", fit: "squeeze" }, "fit", "invalid_request"],
    [{ prompt: "x", model: "nothing" }, "model", "unknown_model"],
    [{ prompt: "x", model: "edges", strength: 5 }, "strength", "invalid_request"],
    ["[]", "body", "invalid_request"],
  ])("%j: a 400 that names %s", async (body, field, code) => {
    const answer = await ask(body);
    expect(answer.body).toMatchObject({ success: false, code });
    expect(answer.status).toBe(400);
    expect(answer.body.details[0].field).toBe(field);
    expect(answer.body.message).toContain(field);
  });

  test("a file that is damaged or cut short is refused", async () => {
    const picture = noisePicture(64, 64);
    const [whole, photo] = [await pngFile(picture), await jpegFile(picture)];
    const lying = Buffer.from(whole);
    lying.writeUInt32BE(65, 16);
    const half = [photo, await webpFile(picture, "lossy"), await webpFile(picture, "lossless")].map(
      (file) => file.subarray(0, file.length / 2),
    );
    for (const file of [whole.subarray(0, 20), whole.subarray(0, 3000), lying, ...half]) {
      const answer = await ask({ image: dataUri("png", file) });
      expect(answer).toMatchObject({ status: 400, body: { code: "unsupported_media" } });
    }
  });

  test("a bomb is refused by its header, not decoded", async () => {
    const row = new Array<number>(16_000 / 8).fill(0);
    const rows = Array.from({ length: 16_000 }, () => row);
    const bomb = buildPng({ width: 16_000, height: 16_000, depth: 1, colourType: GRAY, rows });
    const answer = await ask({ image: dataUri("png", bomb) });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body.message).toContain("image is too large: send at most 16777216 pixels");
    expect(await engines()).toMatchObject([{ restarts: 0 }]);
  });

  test("a picture of more than 32 MiB as PNG is refused, and the engine answers its server all the while", async () => {
    const image = dataUri("png", await pngFile(noisePicture(1024, 1024)));
    const answer = await ask({ image, model: "identity", width: 4096, height: 4096 });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body.message).toContain("smaller width and height");
    expect(await engines()).toMatchObject([{ restarts: 0 }]);
  });

  test("a body of more than 32 MiB is a 413, a smaller one is read", async () => {
    const filled = (bytes: number) => JSON.stringify({ prompt: "x", padding: "x".repeat(bytes) });
    const [large, huge] = [await ask(filled(20 << 20)), await ask(filled(33 << 20))];
    expect(large.body).toMatchObject({ success: true, ignored: ["padding"] });
    expect(huge).toMatchObject({ status: 413, body: { success: false, code: "body_too_large" } });
  });
});

test("the capability is described in OpenAPI", async () => {
  const api = await (await fetch(`${server.url}/openapi/json`)).text();
  expect(api).toContain("data URI of a PNG, JPEG or WebP");
  expect(api).toContain("X-Metadata");
});

async function engines(): Promise<unknown> {
  const health = (await (await fetch(`${server.url}/health`)).json()) as { engines: unknown };
  return health.engines;
}

function expectColours(got: Quarters, expected: Quarters): void {
  const worst = Math.max(
    ...got.flatMap((colour, n) =>
      colour.map((sample, channel) => Math.abs(sample - (expected[n]?.[channel] ?? -1000))),
    ),
  );
  expect(worst, `${JSON.stringify(got)} for ${JSON.stringify(expected)}`).toBeLessThan(8);
}
