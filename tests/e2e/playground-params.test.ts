/** Tests the playground's controls for each kind of parameter, with made-up models: what is shown and what is sent. */
import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { violations } from "../support/browser-page.ts";
import {
  inBrowser,
  running,
  sent,
  streamsOf,
  takeControl,
  usePlayground,
} from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground("gallery");
/** One black pixel. */
const SMALL_PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

inBrowser("an entry of a vector is chosen by name, and others blended in by weight", async () => {
  const driven = await running(playground, "painter");
  const { page } = driven;
  const style = page.getByRole("group", { name: "Style" });
  await style.getByLabel("Style", { exact: true }).selectOption("udnie");
  await sent(driven, { style: { udnie: 1 } });
  await style.getByLabel("Add to style").selectOption("wave");
  await sent(driven, { style: { udnie: 1, wave: 1 } });
  expect(await style.getByText("50 %").count()).toBe(2);
  await style.getByRole("slider", { name: "Weight of wave" }).fill("0.25");
  await sent(driven, { style: { udnie: 1, wave: 0.25 } });
  expect(await style.locator("output").allTextContents()).toEqual(["80 %", "20 %"]);
  await style.getByLabel("Style 1").selectOption("mosaic");
  await sent(driven, { style: { mosaic: 1, wave: 0.25 } });
  await style.getByRole("button", { name: "Remove mosaic" }).click();
  await sent(driven, { style: { wave: 0.25 } });
  expect(await page.evaluate("document.activeElement.tagName")).toBe("SELECT");
});

inBrowser("a weight of zero keeps its entry in the blend", async () => {
  const { page } = await running(playground, "painter");
  await page.getByLabel("Add to style").selectOption("wave");
  const weight = page.getByRole("slider", { name: "Weight of wave" });
  await weight.press("Home");
  expect(await weight.count()).toBe(1);
});

inBrowser("a vector without names is a list of numbers, in one text where it is long", async () => {
  const driven = await running(playground, "mixer");
  const { page } = driven;
  await page.getByLabel("Offset 2").fill("0.5");
  await page.getByLabel("Offset 2").press("Tab");
  await sent(driven, { offset: [0, 0.5, 0] });
  await page.getByText("Latent: 32 numbers").click();
  const text = page.getByLabel("Latent");
  await text.fill("1 2 3");
  await text.press("Tab");
  await page.getByRole("alert").getByText("Enter 32 numbers; there are 3.").waitFor();
  const numbers = Array.from({ length: 32 }, (_, index) => index / 8);
  await text.fill(numbers.join(", "));
  await text.press("Tab");
  await sent(driven, { latent: numbers });
});

inBrowser("what is being typed stays while the page follows the server", async () => {
  const driven = await running(playground, "mixer");
  const { page } = driven;
  await page.getByText("Latent: 32 numbers").click();
  for (const label of ["Offset 2", "Latent"]) {
    await page.getByLabel(label).fill("0.5");
    for (let polls = 0; polls < 2; polls++)
      await page.waitForResponse((response) => response.url().endsWith("/health"));
    expect(await page.getByLabel(label).inputValue()).toBe("0.5");
  }
});

inBrowser("weights that are no shares are shown as they are", async () => {
  const driven = await running(playground, "mixer");
  const gain = driven.page.getByRole("group", { name: "Gain" });
  await gain.getByLabel("Gain").selectOption("green");
  await gain.getByRole("slider", { name: "Weight of green" }).fill("-1.5");
  await sent(driven, { gain: { green: -1.5 } });
  expect(await gain.locator("output").textContent()).toBe("-1.50");
  await gain.getByRole("button", { name: "Remove green" }).click();
  await sent(driven, { gain: [0, 0, 0] });
});

inBrowser(
  "switches, triggers, sliders and seeds send their values, and go back to defaults",
  async () => {
    const driven = await running(playground, "painter");
    const { page } = driven;
    await page.getByLabel("Keep colours").check();
    await sent(driven, { keep_colours: true });
    const reset = page.getByRole("button", { name: "Reset", exact: true });
    await reset.click();
    await sent(driven, { reset: 1 });
    await reset.click();
    await sent(driven, { reset: 2 });
    await page.getByRole("slider", { name: "Strength" }).fill("0.5");
    await sent(driven, { strength: 0.5 });
    await page.getByText("1 more").click();
    const seed = page.getByLabel("Seed");
    await seed.fill("1.5");
    await seed.press("Tab");
    await page.getByRole("alert").getByText("1.5 is not a whole number.").waitFor();
    expect(await seed.inputValue()).toBe("1.5");
    expect(await seed.getAttribute("aria-invalid")).toBe("true");
    await seed.fill("77");
    await seed.press("Tab");
    await sent(driven, { seed: 77 });
    expect(await seed.getAttribute("aria-invalid")).toBe("false");
    await page.getByRole("button", { name: "Defaults" }).click();
    // A trigger acts whenever it changes: it keeps its number.
    await sent(driven, { keep_colours: null, strength: null, seed: null });
    expect(await page.getByRole("button", { name: "Defaults" }).count()).toBe(0);
  },
);

inBrowser("a preset is sent by its name and shows its values", async () => {
  const driven = await running(playground, "painter");
  const { page } = driven;
  const night = page.getByRole("button", { name: "Night" });
  expect(await night.getAttribute("aria-pressed")).toBe("false");
  await night.click();
  await sent(driven, { preset: "Night" });
  expect(await night.getAttribute("aria-pressed")).toBe("true");
  expect(
    await page.getByLabel("Style", { exact: true }).locator("option:checked").textContent(),
  ).toBe("starry night");
  expect(await page.getByRole("slider", { name: "Strength" }).inputValue()).toBe("0.5");
  expect(await page.getByLabel("Keep colours").isChecked()).toBe(true);
  await page.getByRole("slider", { name: "Strength" }).fill("0.75");
  await sent(driven, { strength: 0.75 });
  expect(await night.getAttribute("aria-pressed")).toBe("false");
});

inBrowser("a large picture is scaled down, shown and sent, and cleared again", async () => {
  const driven = await running(playground, "copyist");
  const { page } = driven;
  await page.locator("[type=file]").setInputFiles({
    name: "noise.png",
    mimeType: "image/png",
    buffer: await noisePng(page, 1600, 1200),
  });
  await waitFor(
    "the picture to be sent",
    async () => "style_picture" in (driven.lastChange() ?? {}),
  );
  const uri = String(driven.lastChange()?.["style_picture"]);
  expect(uri).toStartWith("data:image/jpeg;base64,");
  expect(uri.length).toBeLessThan(1024 * 1024);
  const preview = page.locator("img.thumbnail");
  expect(await preview.getAttribute("src")).toBe(uri);
  const size = await preview.evaluate((image: { naturalWidth: number; naturalHeight: number }) => [
    image.naturalWidth,
    image.naturalHeight,
  ]);
  expect(size).toEqual([1024, 768]);
  expect(await page.locator("pre").first().textContent()).toContain("base64 < style_picture.jpeg");
  await page.getByRole("button", { name: "Clear Style picture" }).click();
  await sent(driven, { style_picture: null });
});

inBrowser(
  "a page opened later shows the values of a running stream, and never sends a shortened picture",
  async () => {
    const { page: first } = await running(playground, "copyist");
    const picture = await noisePng(first, 300, 200);
    const file = { name: "noise.png", mimeType: "image/png", buffer: picture };
    await first.locator("[type=file]").setInputFiles(file);
    await first.getByRole("slider", { name: "Strength" }).fill("0.5");
    await waitFor("the picture at the server", async () => {
      const [stream] = await streamsOf(playground.server.url);
      return JSON.stringify(stream).includes("base64,…");
    });
    const second = await playground.browser.open(playground.server.url);
    const bodies: string[] = [];
    second.on("request", (request) => void bodies.push(request.postData() ?? ""));
    await second.locator(".streams .row").click();
    await takeControl(second);
    await second
      .locator(".thumbnail")
      .getByText(/^\d+ kB$/)
      .waitFor();
    await second.getByRole("slider", { name: "Strength" }).fill("0.25");
    await waitFor("the change to be sent", async () => bodies.includes('{"strength":0.25}'));
    // The page that uploaded it still shows it after it has followed the change.
    await first.getByText("0.25", { exact: true }).waitFor();
    expect(await first.locator("img.thumbnail").getAttribute("src")).toContain(
      picture.toString("base64"),
    );
    await second.locator(".go").getByRole("button", { name: "Stop" }).click();
    await second.locator(".go").getByRole("button", { name: "Start" }).click();
    await second.locator(".go").getByRole("button", { name: "Stop" }).waitFor();
    expect(bodies.filter((body) => body.includes("…"))).toEqual([]);
    expect(await second.getByRole("button", { name: "Clear Style picture" }).count()).toBe(0);
  },
);

inBrowser("a small PNG is sent as it is; what is no picture is refused by name", async () => {
  const driven = await running(playground, "copyist");
  const { page } = driven;
  const small = await noisePng(page, 64, 48);
  const input = page.locator("[type=file]");
  await input.setInputFiles({ name: "small.png", mimeType: "image/png", buffer: small });
  await sent(driven, { style_picture: `data:image/png;base64,${small.toString("base64")}` });
  const text = { name: "notes.png", mimeType: "image/png", buffer: Buffer.from("hello") };
  await input.setInputFiles(text);
  await page.getByRole("alert").getByText("notes.png is not a picture").waitFor();
});

inBrowser("a picture can be dropped on its control", async () => {
  const driven = await running(playground, "copyist");
  const { page } = driven;
  const dropped = await page.evaluateHandle(`(() => {
    const files = new DataTransfer();
    const bytes = Uint8Array.fromBase64("${SMALL_PNG}");
    files.items.add(new File([bytes], "small.png", { type: "image/png" }));
    return files;
  })()`);
  const control = page.getByRole("group", { name: "Style picture" });
  await control.dispatchEvent("dragover", { dataTransfer: dropped });
  await control.dispatchEvent("drop", { dataTransfer: dropped });
  await sent(driven, { style_picture: `data:image/png;base64,${SMALL_PNG}` });
});

for (const colorScheme of ["light", "dark"] as const)
  inBrowser(`axe finds no violations in the controls of any model, ${colorScheme}`, async () => {
    const page = await playground.browser.context.newPage();
    await page.emulateMedia({ colorScheme });
    await page.goto(playground.server.url);
    for (const model of ["painter", "copyist", "mixer", "watcher", "loading"]) {
      await page.getByLabel("Model").selectOption(model);
      if (model === "painter") await page.getByLabel("Add to style").selectOption("wave");
      for (const folded of await page.locator("summary").all()) await folded.click();
      expect(await violations(page)).toEqual([]);
    }
  });

/** A PNG of noise, which hardly compresses, made by the browser. */
async function noisePng(page: Page, width: number, height: number): Promise<Buffer> {
  const base64: string = await page.evaluate(`(async () => {
    const canvas = new OffscreenCanvas(${width}, ${height});
    const context = canvas.getContext("2d");
    const picture = context.createImageData(${width}, ${height});
    for (let at = 0; at < picture.data.length; at++)
      picture.data[at] = at % 4 === 3 ? 255 : Math.random() * 256;
    context.putImageData(picture, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/png" });
    return new Uint8Array(await blob.arrayBuffer()).toBase64();
  })()`);
  return Buffer.from(base64, "base64");
}
