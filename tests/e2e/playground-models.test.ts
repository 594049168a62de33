/** Tests how the playground shows models: state, licence, source, what they take. The models are made up. */
import { expect } from "bun:test";
import { api } from "../support/live-stream.ts";
import { inBrowser, usePlayground } from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground("gallery");

inBrowser("each model is listed with its state, licence and source", async () => {
  const page = await playground.browser.open(playground.server.url);
  const row = (name: string) =>
    page.locator(".models li").filter({ has: page.getByText(name, { exact: true }) });
  const painter = await row("painter").textContent();
  expect(painter).toContain("from the workspace · licence Apache-2.0");
  expect(painter).toContain("Ready on cpu");
  expect(await row("asleep").textContent()).toContain("Loads in about 4 s");
  expect(await row("broken").textContent()).toContain("a Git LFS pointer, not a model");
  expect(await row("broken").getByRole("button").isDisabled()).toBe(true);
  await row("mixer").getByRole("button").click();
  expect(await page.getByLabel("Model").inputValue()).toBe("mixer");
  await row("asleep").getByRole("button").click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.locator("figcaption").getByText("Loading asleep …").waitFor();
});

inBrowser("the progress of a load is shown until the model is ready", async () => {
  const page = await playground.browser.open(playground.server.url);
  await page.getByLabel("Model").selectOption("loading");
  const progress = page.locator(".form").getByRole("progressbar", { name: "Loading loading" });
  await progress.waitFor();
  await page
    .locator(".form")
    .getByText(/^Loading, about 1\d s left$/)
    .waitFor();
  expect(Number(await progress.getAttribute("value"))).toBeGreaterThan(0);
  const { url } = playground.server;
  await api(url).start({
    prompts: [{ prompt: "model loading ready" }],
    model: "describer",
    stream_url: `${url}/trickle/x`,
  });
  await page.locator(".form").getByText("Ready on cpu").waitFor();
  expect(await progress.count()).toBe(0);
});

inBrowser(
  "a model that takes no prompts has no prompt; a scene is given to one that does",
  async () => {
    const page = await playground.browser.open(playground.server.url);
    const model = page.getByLabel("Model");
    await waitFor("the models", async () => (await model.inputValue()) === "describer");
    const prompt = page.getByLabel("Describe a scene");
    expect(await prompt.count()).toBe(1);
    await page.getByLabel("Model").selectOption("painter");
    await prompt.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "northern lights" }).click();
    await page.locator(".go").getByRole("button", { name: "Stop" }).waitFor();
    expect(await page.getByLabel("Model").inputValue()).toBe("describer");
    expect(await prompt.inputValue()).toContain("northern lights");
  },
);
