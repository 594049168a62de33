/** Tests ComfyUI graphs in the playground: written, pasted, dropped, changed by node, refused by node, and kept by name. */
import { expect } from "bun:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import {
  colour,
  dragFile,
  dropFile,
  pasteText,
  pixels,
  plays,
  violations,
} from "../support/browser-page.ts";
import { api } from "../support/live-stream.ts";
import { inBrowser, playing, streamsOf, usePlayground } from "../support/playground.ts";
import { buildPng } from "../support/png-builder.ts";
import { waitFor } from "../support/wait-for.ts";

const playground = usePlayground();

/** One colour over the whole picture. */
const plain = (color: number) => ({
  "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color } },
  "2": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
});
const [RED, GREEN, BLUE] = [0xff0000, 0x00ff00, 0x0000ff];

const text = (page: Page) => page.getByLabel("ComfyUI graph", { exact: true });
const node = (page: Page, name: string) =>
  page.locator(".graph-nodes > ul > li").filter({ hasText: name });

/** Waits until the picture is of one colour: 0 red, 1 green, 2 blue. */
const shows = (page: Page, channel: 0 | 1 | 2) =>
  waitFor(`the picture to be ${["red", "green", "blue"][channel]}`, async () => {
    const picture = await pixels(page);
    return picture.every((value, at) => (at % 3 === channel ? value > 150 : value < 100));
  });

inBrowser(
  "the model comfyui draws a graph of its own at once, and the graph that is typed",
  async () => {
    const page = await playing(playground, "comfyui");
    expect(JSON.parse(await text(page).inputValue())).toContainKey("1");
    await waitFor("colours", async () => colour(await pixels(page)) > 20);
    await text(page).fill(JSON.stringify(plain(BLUE)));
    await shows(page, 2);
    expect(await violations(page)).toEqual([]);
    expect(playground.browser.errors).toEqual([]);
  },
);

inBrowser("a value of a node is changed in the list, and the text around it stays", async () => {
  const page = await playing(playground, "comfyui");
  const written = JSON.stringify(plain(RED)).replace('"color"', '\n  "color"');
  await text(page).fill(written);
  await shows(page, 0);
  await node(page, "EmptyImage").locator("summary").click();
  await page.getByLabel("Color").fill(String(GREEN));
  await page.getByLabel("Color").press("Tab");
  await shows(page, 1);
  expect(await text(page).inputValue()).toBe(written.replace(String(RED), String(GREEN)));
});

inBrowser(
  "a part of a graph that does not run is explained at its node while the rest plays",
  async () => {
    const page = await playing(playground, "comfyui");
    const faulty = { class_type: "SaveImage", inputs: { images: ["77", 0], filename_prefix: "x" } };
    await text(page).fill(JSON.stringify({ ...plain(GREEN), "9": faulty }));
    await shows(page, 1);
    await node(page, "SaveImage").locator(".faults li").first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  },
);

inBrowser(
  "a graph that cannot run is explained at its nodes, and the one before goes on",
  async () => {
    const page = await playing(playground, "comfyui");
    await text(page).fill(JSON.stringify(plain(RED)));
    await shows(page, 0);
    const faulty = JSON.stringify({
      ...plain(BLUE),
      "1": { class_type: "EmptyImage", inputs: { width: 0, height: 64, batch_size: 1, color: -1 } },
    });
    await text(page).fill(faulty);
    await page.getByRole("alert").getByText("2 problems, shown below").waitFor();
    await page.getByRole("alert").getByText("The stream goes on as it was").waitFor();
    const row = node(page, "EmptyImage");
    expect(await row.locator(".faults li").allTextContents()).toEqual([
      expect.stringMatching(/^width is 0, which is too small: .* from 1 to \d+\.$/),
      expect.stringMatching(/^color is -1, which is too small/),
    ]);
    expect(await row.getByLabel("Width").getAttribute("aria-invalid")).toBe("true");
    expect(await row.getByLabel("Height").getAttribute("aria-invalid")).toBe("false");
    expect(await violations(page)).toEqual([]);
    await plays(page);
    await shows(page, 0);
    // A text that is not sent has other problems.
    await text(page).fill("{");
    await page.getByRole("alert").getByText("problem").waitFor({ state: "detached" });
    await text(page).fill(faulty);
    await row.locator(".faults li").first().waitFor();
    await row.getByLabel("Width").fill("64");
    await row.getByLabel("Color").fill(String(GREEN));
    await row.getByLabel("Color").press("Tab");
    await shows(page, 1);
    expect(await page.locator(".faults").count()).toBe(0);
    expect(await page.getByRole("alert").getByText("problem").count()).toBe(0);
  },
);

inBrowser(
  "a graph that fails as it runs is explained at its node, until it is mended",
  async () => {
    await Bun.write(join(playground.workspace, "input/broken.png"), "no picture");
    const page = await playing(playground, "comfyui");
    // The only LoadImage would stand for the video.
    const load = { class_type: "LoadImage", inputs: { image: "broken.png" } };
    await text(page).fill(
      JSON.stringify({
        "1": load,
        "2": load,
        "3": { class_type: "SaveTensor", inputs: { images: ["1", 0] } },
        "4": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
      }),
    );
    const fault = page.locator(".faults").getByText("Image is not a PNG, JPEG or WebP");
    await fault.waitFor();
    await page.getByRole("button", { name: "Sunset" }).click();
    await fault.waitFor({ state: "detached" });
    await plays(page);
  },
);

inBrowser(
  "text that is not JSON is told where, is not sent, and the place can be shown",
  async () => {
    const page = await playing(playground, "comfyui");
    await text(page).fill(JSON.stringify(plain(RED)));
    await shows(page, 0);
    const broken = JSON.stringify(plain(BLUE), null, 2).replace('"EmptyImage",', '"EmptyImage"');
    await text(page).fill(broken);
    await page.getByText("Line 4, column 5: a comma is missing before this.").waitFor();
    await page.getByRole("button", { name: "Show", exact: true }).click();
    const selected = await text(page).evaluate(
      (field: { selectionStart: number }) => field.selectionStart,
    );
    expect(broken.slice(selected)).toStartWith('"inputs"');
    await plays(page);
    await shows(page, 0);
  },
);

inBrowser("a graph is pasted or dropped anywhere on the page, whatever the model is", async () => {
  const page = await playing(playground, "dreamscape");
  // As ComfyUI's own /prompt takes it.
  const request = { client_id: "x", prompt: plain(RED) };
  await pasteText(page, ".scene textarea", JSON.stringify(request));
  await shows(page, 0);
  expect(await page.getByLabel("Model").inputValue()).toBe("comfyui");
  const target = page.getByText("Drop a ComfyUI graph anywhere");
  const file = { name: "graph.json", text: JSON.stringify(plain(GREEN)) };
  for (const place of [".stage", ".models", "body"])
    expect(await dragFile(page, "dragover", place, file)).toBe(true);
  await target.waitFor();
  expect(await dragFile(page, "drop", ".stage", file)).toBe(true);
  await target.waitFor({ state: "detached" });
  await shows(page, 1);
  await pasteText(page, "body", JSON.stringify(plain(BLUE)));
  await shows(page, 2);
  await dropFile(page, ".sources", "notes.txt", "no graph");
  await page.getByRole("alert").getByText("There is no ComfyUI graph in notes.txt").waitFor();
  const page_format = JSON.stringify({ last_node_id: 1, nodes: [{ id: 1 }], links: [] });
  await dropFile(page, ".sources", "workflow.json", page_format);
  await page.getByText("Workflow > Export (API)").first().waitFor();
  await page.getByLabel("Model").selectOption("dreamscape");
  await pasteText(page, ".scene textarea", "a red desert");
  expect(await page.getByLabel("Model").inputValue()).toBe("dreamscape");
});

inBrowser("a picture that ComfyUI saved brings its graph", async () => {
  const page = await playing(playground, "comfyui");
  const chunk = Buffer.from(`prompt\0${JSON.stringify(plain(BLUE))}`, "latin1");
  const buffer = buildPng({
    width: 1,
    height: 1,
    chunks: [["tEXt", [...chunk]]],
    rows: [[0, 0, 0]],
  });
  const file = { name: "ComfyUI_00001_.png", mimeType: "image/png", buffer };
  await page.getByLabel("Open a file").setInputFiles(file);
  await shows(page, 2);
});

inBrowser("a graph that cannot be read or run is explained before a stream starts", async () => {
  const page = await playground.browser.open(playground.server.url);
  await page.getByLabel("Model").selectOption("comfyui");
  // The stage offers graphs in place of scenes.
  const stage = page.getByRole("region", { name: "Picture" });
  await stage.getByRole("button", { name: "Sunset" }).click();
  await plays(page, "Live output", 1);
  await page.locator(".go").getByRole("button", { name: "Stop" }).click();
  await stage.getByText("Run a graph. Watch it live.").waitFor();
  await text(page).fill("{");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("alert").getByText("The graph cannot be read. Line 1, column 2").waitFor();
  const { "1": source } = plain(RED);
  await text(page).fill(JSON.stringify({ "1": source }));
  await page.getByRole("alert").getByText("cannot be read").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("alert").getByText("one problem, shown below").waitFor();
  await page.getByText("No node of the graph is an output; add one").waitFor();
  expect(await streamsOf(playground.server.url)).toEqual([]);
  await text(page).fill(JSON.stringify(plain(RED)));
  await page.getByRole("alert").getByText("problem").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page, "Live output", 1);
  await shows(page, 0);
});

inBrowser("graphs are kept by name in the browser, and deleted", async () => {
  const page = await playing(playground, "comfyui");
  await text(page).fill(JSON.stringify(plain(RED)));
  await shows(page, 0);
  await page.getByRole("button", { name: "Save as a preset" }).click();
  await page.getByLabel("Name of the preset").waitFor();
  await page.keyboard.type("All red");
  await page.keyboard.press("Enter");
  const preset = () => page.getByRole("button", { name: "All red", exact: true });
  expect(await preset().getAttribute("aria-pressed")).toBe("true");
  await page.getByRole("button", { name: "Sunset" }).click();
  await waitFor("colours", async () =>
    (await pixels(page)).some((value, at) => at % 3 === 2 && value > 60),
  );
  await page.reload();
  await preset().click();
  await plays(page, "Live output", 1);
  await shows(page, 0);
  await page.getByRole("button", { name: "Delete All red" }).click();
  await preset().waitFor({ state: "detached" });
});

inBrowser(
  "the form follows a graph that somebody else changes, and keeps the text that is the same",
  async () => {
    const page = await playing(playground, "comfyui");
    await text(page).fill(JSON.stringify(plain(RED)));
    await shows(page, 0);
    const { url } = playground.server;
    const [stream] = await streamsOf(url);
    const id = stream?.manifest_id ?? "";
    await api(url).params(id, { prompts: plain(BLUE) });
    await shows(page, 2);
    await waitFor("the form to follow", async () =>
      (await text(page).inputValue()).includes(String(BLUE)),
    );
    const written = JSON.stringify(plain(GREEN), null, 4);
    await text(page).fill(written);
    await shows(page, 1);
    await page.getByLabel("Model").selectOption("test-card");
    await waitFor("another picture", async () =>
      (await pixels(page)).some((value, at) => at % 3 === 0 && value > 150),
    );
    await page.getByLabel("Model").selectOption("comfyui");
    await shows(page, 1);
    await page.locator(".streams .facts").getByText("comfyui").waitFor();
    expect(await text(page).inputValue()).toBe(written);
  },
);
