/** Tests the playground's prompts: several with weights, and a negative one. */
import { expect } from "bun:test";
import { violations } from "../support/browser-page.ts";
import { api } from "../support/live-stream.ts";
import { inBrowser, running, sent, streamsOf, usePlayground } from "../support/playground.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground("gallery");

inBrowser("prompts are blended by weight, and removed again", async () => {
  const driven = await running(playground, "describer");
  const { page } = driven;
  await page.getByLabel("Describe a scene").fill("a lake");
  await sent(driven, { prompts: [{ prompt: "a lake" }] });
  expect(await page.getByRole("slider", { name: "Weight" }).count()).toBe(0);
  await page.getByRole("button", { name: "Blend in another" }).click();
  await page.getByLabel("Prompt 2", { exact: true }).waitFor();
  await page.keyboard.type("oil"); // the new field has the keyboard focus
  await sent(driven, { prompts: [{ prompt: "a lake" }, { prompt: "oil" }] });
  await page.getByRole("slider", { name: "Weight of prompt 2" }).fill("0.25");
  await sent(driven, { prompts: [{ prompt: "a lake" }, { prompt: "oil", weight: 0.25 }] });
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Remove prompt 1" }).click();
  await sent(driven, { prompts: [{ prompt: "oil" }] });
  expect(await page.getByLabel("Describe a scene").inputValue()).toBe("oil");
  expect(await page.evaluate("document.activeElement.tagName")).toBe("TEXTAREA");
});

inBrowser("a negative prompt goes with every text that counts, and is removed again", async () => {
  const driven = await running(playground, "describer");
  const { page } = driven;
  await page.getByLabel("Describe a scene").fill("a lake");
  await page.getByRole("button", { name: "Negative prompt" }).click();
  await page.getByLabel("Negative prompt", { exact: true }).waitFor();
  await page.keyboard.type("people");
  await sent(driven, { prompts: [{ prompt: "a lake", negative_prompt: "people" }] });
  await page.getByRole("button", { name: "Remove the negative prompt" }).click();
  await sent(driven, { prompts: [{ prompt: "a lake" }] });
  expect(await page.getByLabel("Negative prompt").count()).toBe(0);
});

inBrowser("the form shows the prompts of a stream that somebody else changed", async () => {
  const { page } = await running(playground, "describer");
  const { url } = playground.server;
  const [stream] = await streamsOf(url);
  const prompts = [
    { prompt: "a lake", weight: 0.5, negative_prompt: "people" },
    { prompt: "dusk", weight: 3 },
  ];
  await api(url).params(stream?.manifest_id ?? "", { prompts });
  await waitFor(
    "the form to follow",
    async () => (await page.getByLabel("Prompt 2", { exact: true }).count()) === 1,
  );
  expect(await page.getByLabel("Prompt 2", { exact: true }).inputValue()).toBe("dusk");
  expect(await page.getByRole("slider", { name: "Weight of prompt 1" }).inputValue()).toBe("0.5");
  expect(await page.getByRole("slider", { name: "Weight of prompt 2" }).inputValue()).toBe("3");
  expect(await page.getByLabel("Negative prompt", { exact: true }).inputValue()).toBe("people");
});

inBrowser("a change that was refused is sent again with the next one", async () => {
  const driven = await running(playground, "describer");
  const { page } = driven;
  await page.route("**/params", (route) => route.abort(), { times: 1 });
  await page.getByRole("slider", { name: "Strength" }).fill("0.5");
  await page.getByRole("alert").getByText("not responding").waitFor();
  await page.getByLabel("Describe a scene").fill("a lake");
  await sent(driven, { prompts: [{ prompt: "a lake" }], strength: 0.5 });
  await page.getByRole("alert").getByText("not responding").waitFor({ state: "detached" });
});
