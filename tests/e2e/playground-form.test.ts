/** Tests the playground's form: prompts, seeds, parameters, models, sizes, and the keyboard. */
import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { colour, distance, pixels, plays, videoState } from "../support/browser-page.ts";
import { api } from "../support/live-stream.ts";
import { inBrowser, playing, takeControl, usePlayground } from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();
const slide = (page: Page, name: string, value: string) =>
  page.getByRole("slider", { name }).fill(value);

inBrowser("a typed prompt changes the picture", async () => {
  const page = await playing(playground, "dreamscape");
  const before = await pixels(page);
  await page.getByLabel("Describe a scene").fill("a red desert at night");
  await waitFor("another picture", async () => distance(before, await pixels(page)) > 25);
  await page.getByLabel("Describe a scene").fill("underwater coral reef, deep blue");
  await waitFor("blue", async () => {
    const picture = await pixels(page);
    const mean = (channel: number) =>
      picture.filter((_, index) => index % 3 === channel).reduce((sum, value) => sum + value, 0);
    return mean(2) > 1.2 * mean(0);
  });
});

inBrowser("a change made in one page appears in the form of the other", async () => {
  const first = await playing(playground, "dreamscape");
  const second = await playground.browser.open(playground.server.url);
  await takeControl(second);
  await second.getByLabel("Describe a scene").fill("a red desert");
  await second.getByLabel("Seed").fill("77");
  await second.getByLabel("Seed").press("Tab");
  await waitFor("the form to follow", async () => {
    const prompt = await first.getByLabel("Describe a scene").inputValue();
    return prompt === "a red desert" && (await first.getByLabel("Seed").inputValue()) === "77";
  });
});

inBrowser("Shuffle changes the seed and the picture", async () => {
  const page = await playing(playground, "dreamscape");
  const before = await pixels(page);
  await page.getByRole("button", { name: "Shuffle" }).click();
  await waitFor("another scene", async () => distance(before, await pixels(page)) > 10);
});

inBrowser("sliders, models and sizes change the picture that plays", async () => {
  const page = await playing(playground, "test-card");
  await slide(page, "Speed", "0");
  await slide(page, "Ball", "0");
  const colourful = await pixels(page);
  expect(colour(colourful)).toBeGreaterThan(20);
  await page.getByLabel("Model").selectOption("edges");
  await waitFor("outlines without colour", async () => colour(await pixels(page)) < 4);
  await page.getByLabel("Size").selectOption("384 × 384");
  await waitFor("the new size", async () => (await videoState(page))?.width === 384);
  await plays(page);
});

inBrowser("by keyboard, Enter starts a stream and Stop frees its place", async () => {
  const page = await playground.browser.open(playground.server.url);
  await page.getByLabel("Size").selectOption("256 × 256");
  await page.getByLabel("Describe a scene").focus();
  await page.keyboard.type("a meadow");
  await page.keyboard.press("Enter");
  await plays(page, "Live output", 2);
  const stop = page.getByRole("button", { name: "Stop", exact: true }).first();
  await stop.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Describe a scene. Watch it live.").waitFor();
  expect((await api(playground.server.url).health()).active_streams).toBe(0);
});
