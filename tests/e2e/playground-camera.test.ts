/** Tests the playground's camera where the browser offers everything, no microphone, no H.264 or no camera. */
import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { colour, pixels, plays } from "../support/browser-page.ts";
import { inBrowser, usePlayground } from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();

const SOUND_BYTES = `document.querySelector('video[aria-label="Live output"]').webkitAudioDecodedByteCount`;
const heardBytes = (page: Page): Promise<number> => page.evaluate(SOUND_BYTES);

/** Opens the page, after `script` has run in it, and starts a stream from the camera. */
async function startCamera(script: string): Promise<Page> {
  const page = await playground.browser.context.newPage();
  await page.addInitScript(script);
  await page.goto(playground.server.url);
  await page.getByText("My camera").click();
  await page.getByLabel("Model").selectOption("edges");
  await page.getByLabel("Size").selectOption("256 × 256");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  return page;
}

/** Makes requests for media with `kind` fail as a browser without such a device does. */
const without = (kind: "audio" | "video") => `{
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) =>
    wanted.${kind} ? Promise.reject(new DOMException("none", "NotFoundError")) : open(wanted);
}`;

inBrowser(
  "the camera and its microphone play through a model, beside the camera itself",
  async () => {
    const page = await startCamera("");
    await plays(page);
    await plays(page, "Your camera", 2);
    // Chromium's fake camera is green; outlines are gray.
    expect(colour(await pixels(page, "Your camera"))).toBeGreaterThan(20);
    // While the model loads, frames pass untouched.
    await waitFor("outlines", async () => {
      const picture = await pixels(page);
      return colour(picture) < 4 && Math.max(...picture) > 8;
    });
    // Chromium's fake microphone beeps every second. A muted player does not decode sound.
    expect(await heardBytes(page)).toBe(0);
    await page.getByRole("button", { name: "Sound on" }).click();
    await waitFor("the microphone's sound to play", async () => (await heardBytes(page)) > 0);
    await plays(page);
    await page.getByRole("button", { name: "Microphone off" }).click();
    await plays(page);
    // The time that the page draws into its camera's frames comes out of the model and is read again.
    const glass = page.locator(".figure").filter({ hasText: "Glass to glass" });
    await glass.getByRole("button", { name: "Measure" }).click();
    await glass.getByText("camera to screen").waitFor();
    await waitFor("the delay", async () => {
      const [, ms] = /(\d+) ms/.exec((await glass.textContent()) ?? "") ?? [];
      return Number(ms) > 20 && Number(ms) < 5000;
    });
    await glass.getByRole("button", { name: "Measure" }).click();
    await glass.getByText("–").waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).first().click();
    await page.getByText("Describe a scene. Watch it live.").waitFor();
  },
);

inBrowser("without a microphone the camera is sent alone", async () => {
  const page = await startCamera(without("audio"));
  await plays(page);
  expect(await page.getByRole("button", { name: "Microphone off" }).count()).toBe(0);
  expect(await page.getByRole("button", { name: "Sound on" }).count()).toBe(0);
});

inBrowser(
  "after a reload, the page says why its camera is off, and turns it on again",
  async () => {
    const page = await startCamera("");
    await plays(page, "Live output", 1);
    await page.reload();
    await page.getByText("Reloading the page turned your camera off.").waitFor();
    expect(await page.getByLabel("Model").inputValue()).toBe("edges");
    await page.getByRole("button", { name: "Start again" }).click();
    await plays(page, "Your camera", 1);
    await plays(page, "Live output", 1);
  },
);

inBrowser("a browser without a camera says so and starts nothing", async () => {
  const page = await startCamera(without("video"));
  await page.getByRole("alert").getByText("No camera was found").waitFor();
  await page.getByText("Describe a scene. Watch it live.").waitFor();
  await page.getByText("Imagined").click();
  await page.getByRole("alert").getByText("No camera was found").waitFor({ state: "detached" });
});

inBrowser("a browser that cannot encode H.264 says so and releases the camera", async () => {
  const page = await startCamera(`
    VideoEncoder.isConfigSupported = async (config) => ({ supported: false, config });
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => (globalThis.opened = await open(wanted));
  `);
  await page.getByRole("alert").getByText("This browser cannot encode").waitFor();
  const states = await page.evaluate("opened.getTracks().map(({ readyState }) => readyState)");
  expect(states).toEqual(["ended", "ended"]);
});
