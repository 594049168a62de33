/** Tests the playground in a real Chromium against the real server. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { type Browser, noBrowser, startBrowser } from "../support/browser.ts";
import {
  colour,
  distance,
  pixels,
  plays,
  videoState,
  violations,
} from "../support/browser-page.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(45_000);

const inBrowser = (name: string, body: () => Promise<void>) =>
  noBrowser === null ? test(name, body) : test.skip(`${name} (${noBrowser})`, body);

let server: ServerProcess;
let browser: Browser;
let workspace: string;

beforeAll(async () => {
  if (noBrowser !== null) return;
  workspace = await mkdtemp(join(tmpdir(), "workspace-"));
  [server, browser] = await Promise.all([
    startServer(MAIN, ["--workspace", workspace]),
    startBrowser(),
  ]);
  await enginePid(server.url);
});

afterEach(async () => {
  if (noBrowser !== null) return;
  for (const page of browser.context.pages()) await page.close();
  const { streams } = (await (await fetch(`${server.url}/streams`)).json()) as {
    streams: { manifest_id: string }[];
  };
  for (const { manifest_id: id } of streams) await api(server.url).stop(id);
});

afterAll(async () => {
  if (noBrowser !== null) return;
  await browser[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(workspace, { recursive: true, force: true });
});

/** Opens the page and starts a stream with `model`; resolves when it plays. */
async function playing(model: string, size = "256 × 256"): Promise<Page> {
  const page = await browser.open(server.url);
  await page.getByLabel("Model").selectOption(model);
  await page.getByLabel("Size").selectOption(size);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page);
  return page;
}

const SOUND_BYTES = `document.querySelector('video[aria-label="Live output"]').webkitAudioDecodedByteCount`;

const slide = (page: Page, name: string, value: string) =>
  page.getByRole("slider", { name }).fill(value);

inBrowser("one click shows moving pictures, close to live", async () => {
  const page = await browser.open(server.url);
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
  expect(browser.errors).toEqual([]);
});

inBrowser("a typed prompt changes the picture", async () => {
  const page = await playing("dreamscape");
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

inBrowser(
  "a stream that transforms another is shown beside its input, also in a page that did not start it",
  async () => {
    const first = await playing("test-card");
    const { streams } = (await (await fetch(`${server.url}/streams`)).json()) as {
      streams: { stream_url: string }[];
    };
    await first.getByRole("button", { name: "New stream" }).click();
    await first.getByText("A stream", { exact: true }).click();
    await first.getByLabel("Trickle channel").fill(streams[0]?.stream_url ?? "");
    await first.getByLabel("Model").selectOption("edges");
    await first.getByRole("button", { name: "Start", exact: true }).click();
    await plays(first, "Live output", 2);
    await slide(first, "Strength", "3");
    const second = await browser.open(server.url);
    await plays(second, "Input", 2);
    await plays(second, "Live output", 2);
    expect(colour(await pixels(second, "Input"))).toBeGreaterThan(20);
    expect(colour(await pixels(second, "Live output"))).toBeLessThan(4);
    expect(await second.getByRole("slider", { name: "Strength" }).inputValue()).toBe("3");
  },
);

inBrowser("a new stream after one with input is imagined again", async () => {
  const page = await playing("edges");
  await page.getByRole("button", { name: "New stream" }).click();
  expect(await page.evaluate("document.activeElement.tagName")).toBe("TEXTAREA");
  await page.getByRole("button", { name: "northern lights" }).click();
  await plays(page, "Live output", 2);
  expect(await page.getByLabel("Model").inputValue()).toBe("dreamscape");
  await waitFor("colours", async () => colour(await pixels(page)) > 10);
});

inBrowser("a change made in one page appears in the form of the other", async () => {
  const first = await playing("dreamscape");
  const second = await browser.open(server.url);
  await plays(second, "Live output", 1);
  await second.getByLabel("Describe a scene").fill("a red desert");
  await second.getByLabel("Seed").fill("77");
  await second.getByLabel("Seed").press("Tab");
  await waitFor("the form to follow", async () => {
    const prompt = await first.getByLabel("Describe a scene").inputValue();
    return prompt === "a red desert" && (await first.getByLabel("Seed").inputValue()) === "77";
  });
});

inBrowser("Shuffle changes the seed and the picture", async () => {
  const page = await playing("dreamscape");
  const before = await pixels(page);
  await page.getByRole("button", { name: "Shuffle" }).click();
  await waitFor("another scene", async () => distance(before, await pixels(page)) > 10);
});

inBrowser("sliders, models and sizes change the picture that plays", async () => {
  const page = await playing("test-card");
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
  const page = await browser.open(server.url);
  await page.getByLabel("Size").selectOption("256 × 256");
  await page.getByLabel("Describe a scene").focus();
  await page.keyboard.type("a meadow");
  await page.keyboard.press("Enter");
  await plays(page, "Live output", 2);
  const stop = page.getByRole("button", { name: "Stop", exact: true }).first();
  await stop.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Describe a scene. Watch it live.").waitFor();
  expect((await api(server.url).health()).active_streams).toBe(0);
});

inBrowser(
  "the camera and its microphone play through a model, beside the camera itself",
  async () => {
    const page = await browser.open(server.url);
    await page.getByText("My camera").click();
    await page.getByLabel("Model").selectOption("edges");
    await page.getByLabel("Size").selectOption("256 × 256");
    await page.getByRole("button", { name: "Start", exact: true }).click();
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
    const heard = () => page.evaluate(SOUND_BYTES) as Promise<number>;
    expect(await heard()).toBe(0);
    await page.getByRole("button", { name: "Sound on" }).click();
    await waitFor("the microphone's sound to play", async () => (await heard()) > 0);
    await plays(page);
    await page.getByRole("button", { name: "Microphone off" }).click();
    await plays(page);
    await page.getByRole("button", { name: "Stop", exact: true }).first().click();
    await page.getByText("Describe a scene. Watch it live.").waitFor();
  },
);

inBrowser("a killed engine is reported and the picture resumes", async () => {
  const page = await playing("test-card");
  process.kill(await enginePid(server.url), "SIGKILL");
  await page.getByText("engine restarted once").waitFor();
  await plays(page);
  expect(browser.errors).toEqual([]);
});

inBrowser(
  "a stream that somebody else stops is shown as ended, and one click starts it again",
  async () => {
    const page = await playing("test-card");
    const [stream] = (
      (await (await fetch(`${server.url}/streams`)).json()) as {
        streams: { manifest_id: string }[];
      }
    ).streams;
    await api(server.url).stop(stream?.manifest_id ?? "");
    await page.getByText("The stream has ended").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await plays(page, "Live output", 2);
  },
);

inBrowser("a page opened later shows the running stream", async () => {
  const first = await playing("test-card");
  await first.close();
  const page = await browser.open(server.url);
  await plays(page, "Live output", 2);
  expect(await page.getByLabel("Model").inputValue()).toBe("test-card");
});

inBrowser("a full server's refusal says what to do", async () => {
  const { capacity } = await api(server.url).health();
  for (let n = 0; n < capacity; n++)
    await api(server.url).start({
      stream_url: `${server.url}/trickle/full-${n}`,
      width: 64,
      height: 64,
      fps: 1,
    });
  const page = await browser.open(server.url);
  await page.getByRole("button", { name: "New stream" }).click();
  expect(await page.locator(".streams li").count()).toBe(capacity);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("alert").getByText("Stop a stream below").waitFor();
});

for (const colorScheme of ["light", "dark"] as const)
  inBrowser(`axe finds no violations, empty or playing, ${colorScheme}`, async () => {
    const page = await browser.context.newPage();
    await page.emulateMedia({ colorScheme });
    await page.goto(server.url);
    await page.getByLabel("Model").selectOption("test-card");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await plays(page, "Live output", 2);
    expect(await violations(page)).toEqual([]);
  });

inBrowser("the page sends no request to another host", async () => {
  await playing("test-card");
  const elsewhere = browser.requests.filter(
    (url) => /^https?:/.test(url) && new URL(url).hostname !== "127.0.0.1",
  );
  expect(elsewhere).toEqual([]);
});

inBrowser("a server with a token asks for it once", async () => {
  await using closed = await startServer(MAIN, ["--workspace", workspace, "--api-token", "secret"]);
  const page = await browser.open(closed.url);
  await page.getByLabel("This server requires a token").fill("wrong");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("That token is wrong").waitFor();
  await page.getByLabel("This server requires a token").fill("secret");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Model").selectOption("test-card");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page, "Live output", 2);
  expect(await page.locator("pre").first().textContent()).toContain("Bearer $API_TOKEN");
});
