/** Tests the playground's accessibility, and that it loads nothing from other hosts. */
import { expect } from "bun:test";
import { plays, violations } from "../support/browser-page.ts";
import { inBrowser, playing, usePlayground } from "../support/playground.ts";

const playground = usePlayground();

for (const colorScheme of ["light", "dark"] as const)
  inBrowser(`axe finds no violations, empty or playing, ${colorScheme}`, async () => {
    const page = await playground.browser.context.newPage();
    await page.emulateMedia({ colorScheme });
    await page.goto(playground.server.url);
    await page.getByLabel("Model").selectOption("test-card");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await plays(page, "Live output", 2);
    expect(await violations(page)).toEqual([]);
  });

inBrowser("the page sends no request to another host", async () => {
  await playing(playground, "test-card");
  const elsewhere = playground.browser.requests.filter(
    (url) => /^https?:/.test(url) && new URL(url).hostname !== "127.0.0.1",
  );
  expect(elsewhere).toEqual([]);
});
