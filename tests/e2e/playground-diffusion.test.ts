/** Tests the playground with a real diffusion pipeline: its prompts, parameters and presets, and graphs that name it. */
import { expect, test } from "bun:test";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { colour, distance, pasteText, pixels, plays } from "../support/browser-page.ts";
import { inBrowser, playing, running, sent, usePlayground } from "../support/playground.ts";
import { sharedData } from "../support/shared-data.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();
const golden = sharedData("golden");
const FIRST_PROMPT = "a beautiful landscape at sunrise";
const PRESETS = { Bold: { guidance: 8, steps: 2 } };

/** Adds the pipeline to the running server's workspace, under the name that golden's graphs use. */
async function addPipeline(): Promise<void> {
  const folder = join(playground.workspace, "models/tiny");
  await cp(`${golden}/pipeline/tiny-sd`, folder, { recursive: true });
  await Bun.write(join(folder, "model.json"), JSON.stringify({ presets: PRESETS }));
}

/** A picture of the pipeline, once it is loaded: what is shown before has hardly any colour. */
async function drawn(page: Page): Promise<number[]> {
  await waitFor("a picture", async () => colour(await pixels(page)) > 25, 30_000);
  await plays(page);
  return await pixels(page);
}

const changes = (page: Page, before: readonly number[], least = 5) =>
  waitFor("another picture", async () => distance(before, await pixels(page)) > least, 30_000);

const returns = (page: Page, before: readonly number[]) =>
  waitFor("the picture from before", async () => distance(before, await pixels(page)) < 2);

if (golden === null) {
  test.skip("a pipeline in the playground (../shared/data/golden)", () => {});
} else {
  inBrowser(
    "a pipeline's presets and parameters are sent, and a prompt reaches the picture",
    async () => {
      await addPipeline();
      const driven = await running(playground, "tiny");
      const { page } = driven;
      await page.getByRole("button", { name: "Negative prompt" }).click();
      await page.getByLabel("Negative prompt", { exact: true }).fill("people");
      const hint = page.getByText("It has no effect while guidance is 1.");
      await hint.waitFor();
      await sent(driven, { prompts: [{ prompt: FIRST_PROMPT, negative_prompt: "people" }] });
      await page.getByRole("button", { name: "Bold" }).click();
      await sent(driven, { preset: "Bold" });
      expect(await page.getByRole("slider", { name: "Guidance", exact: true }).inputValue()).toBe(
        "8",
      );
      await hint.waitFor({ state: "detached" });
      await page.getByRole("slider", { name: "Steps" }).fill("1");
      await sent(driven, { steps: 1 });
      // Without drift the picture stands still until something changes.
      await page.locator(".params summary").click();
      await page.getByRole("slider", { name: "Drift" }).fill("0");
      await page.getByRole("slider", { name: "Feedback" }).fill("0");
      await sent(driven, { feedback: 0 });
      const before = await drawn(page);
      const prompt = page.getByLabel("Describe a scene");
      const text = await prompt.inputValue();
      await prompt.fill("a red fox in the snow");
      await changes(page, before);
      await prompt.fill(text);
      await returns(page, before);
      await page.getByRole("button", { name: "Shuffle" }).click();
      await changes(page, before);
    },
  );

  inBrowser(
    "ComfyUI's default graph is pasted, and its prompt and seed are changed by node",
    async () => {
      await addPipeline();
      const page = await playing(playground, "dreamscape");
      const graph = await Bun.file(`${golden}/graphs/txt2img-api.json`).text();
      const scene = await pixels(page);
      await pasteText(page, ".scene textarea", graph);
      await changes(page, scene, 40);
      const node = (id: string) =>
        page.locator(".graph-nodes > ul > li").filter({ has: page.getByText(id, { exact: true }) });
      await node("6").getByLabel("Text").waitFor();
      const first = await drawn(page);
      const text = await node("6").getByLabel("Text").inputValue();
      await node("6").getByLabel("Text").fill("a castle in the clouds, oil painting");
      await changes(page, first);
      await node("6").getByLabel("Text").fill(text);
      await returns(page, first);
      await node("3").getByRole("button", { name: "Shuffle" }).click();
      await changes(page, first);
    },
  );
}
