/** Tests the playground with models of the workspace that really run: what is chosen there is what is painted. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { distance, pixels, plays } from "../support/browser-page.ts";
import { inBrowser, playing, usePlayground } from "../support/playground.ts";
import { sharedData } from "../support/shared-data.ts";
import { TINTER, tinterGraph } from "../support/tinter.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();

/** Adds a model to the running server's workspace. */
async function addModel(name: string, json: object, onnx: Uint8Array | Blob): Promise<void> {
  const folder = join(playground.workspace, "models", name);
  await Bun.write(join(folder, "model.onnx"), onnx);
  await Bun.write(join(folder, "model.json"), JSON.stringify(json));
}

async function tinting(): Promise<Page> {
  await addModel("tinter", TINTER, tinterGraph());
  return playing(playground, "tinter");
}

const colourIs = (page: Page, ...colour: readonly [number, number, number]) =>
  waitFor(`the colour ${colour}`, async () => {
    const even = Array.from({ length: 16 * 16 }, () => colour).flat();
    return distance(await pixels(page), even) < 3;
  });

inBrowser("a colour is chosen by name, blended with another, and comes from a preset", async () => {
  const page = await tinting();
  await colourIs(page, 255, 0, 0);
  await page.getByLabel("Tint", { exact: true }).selectOption("blue");
  await colourIs(page, 0, 0, 255);
  await page.getByLabel("Add to tint").selectOption("green");
  await colourIs(page, 0, 128, 128);
  await page.getByRole("slider", { name: "Weight of green" }).fill("0.25");
  await colourIs(page, 0, 51, 204);
  await page.getByRole("button", { name: "Sky" }).click();
  await colourIs(page, 0, 64, 191);
  expect(await page.getByRole("button", { name: "Sky" }).getAttribute("aria-pressed")).toBe("true");
  await plays(page);
});

inBrowser("an uploaded picture is what the model sees, and its data is shown", async () => {
  const page = await tinting();
  await page.getByRole("slider", { name: "Sampled" }).fill("1");
  const uri: string = await page.evaluate(`(async () => {
    const canvas = new OffscreenCanvas(2000, 1000);
    const context = canvas.getContext("2d");
    context.fillStyle = "rgb(0 200 100)";
    context.fillRect(0, 0, 2000, 1000);
    const blob = await canvas.convertToBlob({ type: "image/webp" });
    return new Uint8Array(await blob.arrayBuffer()).toBase64();
  })()`);
  const buffer = Buffer.from(uri, "base64");
  await page
    .locator("[type=file]")
    .setInputFiles({ name: "a.webp", mimeType: "image/webp", buffer });
  await colourIs(page, 0, 200, 100);
  const data = page.getByRole("region", { name: "Data" });
  await waitFor("the amounts", async () => /green0\.7\d/.test((await data.textContent()) ?? ""));
});

const trained = sharedData("models/trained/multistyle26.onnx");
const withTrained = trained === null ? test.skip : inBrowser;
withTrained("a trained network paints in the style that is chosen, and in a blend", async () => {
  const json = {
    inputs: {
      image: { role: "frame", layout: "nchw", channels: "rgb", range: [0, 1], multiple_of: 4 },
      style_weights: {
        role: "vector",
        name: "style",
        default: Array.from({ length: 26 }, (_, index) => (index === 19 ? 1 : 0)),
        entries: Array.from({ length: 26 }, (_, index) => `style ${index}`),
        blend: true,
      },
    },
    outputs: { stylized: { role: "image", layout: "nchw", channels: "rgb", range: [0, 1] } },
  };
  await addModel("styles", { file: "model.onnx", ...json }, Bun.file(trained ?? ""));
  const page = await playing(playground, "styles");
  const first = await pixels(page);
  await page.getByLabel("Style", { exact: true }).selectOption("style 7");
  await waitFor("another style", async () => distance(first, await pixels(page)) > 20);
  await page.getByLabel("Add to style").selectOption("style 24");
  const second = await pixels(page);
  await waitFor("a blend", async () => distance(second, await pixels(page)) > 10);
  await plays(page);
});
