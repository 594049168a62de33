/** Tests the playground's panel of data outputs, with a made-up model. */
import { expect } from "bun:test";
import { violations } from "../support/browser-page.ts";
import { inBrowser, streamsOf, usePlayground } from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground("gallery");

inBrowser(
  "labels, numbers and other values are shown as they come, until the stream ends",
  async () => {
    const page = await playground.browser.open(playground.server.url);
    let requests = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/data")) requests++;
    });
    await page.getByLabel("Model").selectOption("watcher");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const data = page.getByRole("region", { name: "Data" });
    await data.getByText("tabby cat").waitFor();
    expect(await data.locator("li").first().textContent()).toBe("tabby cat0.81");
    expect(await data.textContent()).toContain("… and 16 more");
    expect(await data.textContent()).toContain('{"language":"en","lines":2}');
    const time = () => data.getByText(/^At .* s of the stream$/).textContent();
    const before = await time();
    await waitFor("newer data", async () => (await time()) !== before);
    expect(await violations(page)).toEqual([]);
    await page.locator(".go").getByRole("button", { name: "Stop" }).click();
    await data.waitFor({ state: "detached" });
    expect(await streamsOf(playground.server.url)).toEqual([]);
    expect(requests).toBe(1);
  },
);

inBrowser(
  "a model without data outputs has no panel, also when it follows one that has",
  async () => {
    const page = await playground.browser.open(playground.server.url);
    await page.getByLabel("Model").selectOption("watcher");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const data = page.getByRole("region", { name: "Data" });
    await data.getByText("tabby cat").waitFor();
    await page.getByLabel("Model").selectOption("painter");
    await data.waitFor({ state: "detached" });
  },
);
