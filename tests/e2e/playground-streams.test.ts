/** Tests what the playground shows: generated streams, streams with input, streams of others. */
import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { colour, distance, pixels, plays, violations } from "../support/browser-page.ts";
import {
  inBrowser,
  playing,
  streamsOf,
  takeControl,
  usePlayground,
} from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();
const slide = (page: Page, name: string, value: string) =>
  page.getByRole("slider", { name }).fill(value);

inBrowser("one click shows moving pictures, close to live", async () => {
  const page = await playground.browser.open(playground.server.url);
  const begun = performance.now();
  await page.getByRole("button", { name: "a beautiful landscape" }).click();
  await plays(page, "Live output", 1);
  expect(performance.now() - begun).toBeLessThan(5000);
  const before = await pixels(page);
  await plays(page);
  expect(distance(before, await pixels(page))).toBeGreaterThan(0.02);
  const caption = page.locator("figcaption");
  await waitFor("a caption that says how far behind it is", async () =>
    /0\.\d s behind/.test((await caption.textContent()) ?? ""),
  );
  expect(playground.browser.errors).toEqual([]);
});

inBrowser(
  "a stream that transforms another is shown beside its input, also in a page that did not start it",
  async () => {
    const first = await playing(playground, "test-card");
    const [source] = await streamsOf(playground.server.url);
    await first.getByRole("button", { name: "New stream" }).click();
    await first.getByText("A stream", { exact: true }).click();
    await first.getByRole("button", { name: "Start", exact: true }).click();
    await first.getByRole("alert").getByText("Which stream is the video from?").waitFor();
    await first.getByLabel("Trickle channel").fill(source?.stream_url ?? "");
    await first.getByLabel("Model").selectOption("edges");
    await first.getByRole("button", { name: "Start", exact: true }).click();
    await plays(first, "Live output", 2);
    await slide(first, "Strength", "3");
    const second = await playground.browser.open(playground.server.url);
    await plays(second, "Input", 2);
    await plays(second, "Live output", 2);
    expect(colour(await pixels(second, "Input"))).toBeGreaterThan(20);
    // Until its model has loaded, the stream shows its input.
    await waitFor(
      "edges, which are gray",
      async () => colour(await pixels(second, "Live output")) < 4,
    );
    await takeControl(second);
    expect(await second.getByRole("slider", { name: "Strength" }).inputValue()).toBe("3");
  },
);

inBrowser("a new stream after one with input is imagined again", async () => {
  const page = await playing(playground, "edges");
  await page.getByRole("button", { name: "New stream" }).click();
  await page.locator("textarea:focus").waitFor();
  await page.getByRole("button", { name: "northern lights" }).click();
  await plays(page, "Live output", 2);
  expect(await page.getByLabel("Model").inputValue()).toBe("dreamscape");
  await waitFor("colours", async () => colour(await pixels(page)) > 10);
});

inBrowser("a page opened later watches the only stream, and changes it once asked to", async () => {
  const first = await playing(playground, "test-card");
  await first.close();
  const page = await playground.browser.open(playground.server.url);
  await plays(page, "Live output", 2);
  await page.getByText("You are watching.").waitFor();
  expect(await page.getByLabel("Model").inputValue()).toBe("dreamscape");
  await page.locator(".go").getByRole("button", { name: "Start" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Stop watching" }).click();
  await page.locator(".running").getByRole("button", { name: "test-card" }).click();
  await takeControl(page);
  expect(await page.getByLabel("Model").inputValue()).toBe("test-card");
  // It stays under control.
  await page.reload();
  await page.locator(".go").getByRole("button", { name: "Stop" }).waitFor();
  expect(await page.getByText("You are watching.").count()).toBe(0);
});

inBrowser("a stream stays on screen when a list from before its start arrives late", async () => {
  const page = await playing(playground, "test-card");
  const staleList = { status: 200, json: { streams: [] } };
  const late = page.waitForResponse((response) => response.url().endsWith("/status"));
  await page.route("**/streams", (route) => route.fulfill(staleList), { times: 1 });
  await late; // the page has asked for the stream itself
  await plays(page, "Live output", 2);
  await page.locator(".go").getByRole("button", { name: "Stop" }).waitFor();
});
