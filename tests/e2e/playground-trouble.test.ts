/** Tests how the playground handles a killed engine, ended streams, full servers, restarts and tokens. */
import { expect } from "bun:test";
import { plays } from "../support/browser-page.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { inBrowser, playing, streamsOf, usePlayground } from "../support/playground.ts";
import { MAIN, startServer } from "../support/server-process.ts";

const playground = usePlayground();

inBrowser("a killed engine is reported and the picture resumes", async () => {
  const page = await playing(playground, "test-card");
  process.kill(await enginePid(playground.server.url), "SIGKILL");
  await page.getByText("engine restarted once").waitFor();
  await plays(page);
  expect(playground.browser.errors).toEqual([]);
});

inBrowser(
  "a stream that somebody else stops is shown as ended, and one click starts it again",
  async () => {
    const page = await playing(playground, "test-card");
    const [stream] = await streamsOf(playground.server.url);
    await api(playground.server.url).stop(stream?.manifest_id ?? "");
    await page.getByText("The stream has ended").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await plays(page, "Live output", 2);
  },
);

inBrowser("a full server's refusal says what to do", async () => {
  const { capacity } = await api(playground.server.url).health();
  for (let n = 0; n < capacity; n++)
    await api(playground.server.url).start({
      stream_url: `${playground.server.url}/trickle/full-${n}`,
      width: 64,
      height: 64,
      fps: 1,
    });
  const page = await playground.browser.open(playground.server.url);
  // Which of them to watch is the user's choice.
  await page
    .locator(".running .chip")
    .nth(capacity - 1)
    .waitFor();
  expect(await page.locator(".streams li").count()).toBe(capacity);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("alert").getByText("Stop a stream below").waitFor();
});

inBrowser("a server with a token asks for it once", async () => {
  await using closed = await startServer(MAIN, [
    "--workspace",
    playground.workspace,
    "--api-token",
    "secret",
  ]);
  const page = await playground.browser.open(closed.url);
  await page.getByLabel("This server requires a token").fill("wrong");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("That token is wrong").waitFor();
  await page.getByLabel("This server requires a token").fill("secret");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Model").selectOption("test-card");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page, "Live output", 2);
  expect(await page.locator("pre").first().textContent()).toContain("Bearer $API_TOKEN");
  // Another page shows what runs as soon as it has the token.
  const second = await playground.browser.open(closed.url);
  await second.getByLabel("This server requires a token").fill("secret");
  await second.getByRole("button", { name: "Continue" }).click();
  await second.getByText("You are watching.").waitFor();
});

inBrowser("a page gets the new token when a server for orchestrators restarts", async () => {
  const env = { ORCH_URL: "http://127.0.0.1:1", ORCH_SECRET: "secret" };
  const flags = ["--workspace", playground.workspace];
  const first = await startServer(MAIN, flags, env);
  const page = await playground.browser.open(first.url);
  await page.getByText("Ready", { exact: true }).waitFor();
  await first[Symbol.asyncDispose]();
  await page.getByText("Not responding", { exact: true }).waitFor();
  await using _second = await startServer(MAIN, [...flags, "--port", String(first.port)], env);
  await page.getByText("Ready", { exact: true }).waitFor();
  await page.getByText("The server is not responding").waitFor({ state: "detached" });
  await page.getByLabel("Model").selectOption("test-card");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page, "Live output", 2);
  expect(await page.locator("pre").first().textContent()).not.toContain("Bearer");
});
