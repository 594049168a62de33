/** Tests in a real Chromium that the playground works wherever it is allowed to, and that other pages cannot act. */
import { expect, setDefaultTimeout } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBrowser } from "../support/browser.ts";
import { plays } from "../support/browser-page.ts";
import { enginePid } from "../support/live-stream.ts";
import { inBrowser } from "../support/playground.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(45_000);

const temporaryWorkspace = async () => {
  const folder = await mkdtemp(join(tmpdir(), "workspace-"));
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};

inBrowser("on the machine of a server that serves orchestrators, it needs no token", async () => {
  await using workspace = await temporaryWorkspace();
  await using server = await startServer(MAIN, ["--workspace", workspace.folder], {
    ORCH_URL: "http://127.0.0.1:9",
    ORCH_SECRET: "secret",
  });
  await using browser = await startBrowser();
  await enginePid(server.url);
  const start = { method: "POST", body: "{}" };
  expect((await fetch(`${server.url}/stream/start`, start)).status).toBe(403);
  const page = await browser.open(server.url);
  await page.getByLabel("Model").selectOption("test-card");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await plays(page, "Live output", 2);
});

inBrowser(
  "a page of another origin can neither start nor stop a stream, nor read about one",
  async () => {
    await using workspace = await temporaryWorkspace();
    await using server = await startServer(MAIN, [
      "--workspace",
      workspace.folder,
      "--cors-origins",
      "https://app.example",
    ]);
    await using browser = await startBrowser();
    await enginePid(server.url);
    using foreign = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("<p>hello</p>", { headers: { "content-type": "text/html" } }),
    });
    const page = await browser.open(String(foreign.url));
    const outcome = (expression: string) =>
      page.evaluate<string>(`${expression}.then((r) => r.type + " " + r.status, () => "blocked")`);
    const body = JSON.stringify({
      prompts: [{ prompt: "x" }],
      stream_url: `${server.url}/trickle/x`,
    });
    const posting = (mode: string, type: string) =>
      outcome(
        `fetch("${server.url}/stream/start", { method: "POST", mode: "${mode}", headers: { "Content-Type": "${type}" }, body: ${JSON.stringify(body)} })`,
      );
    expect(await posting("cors", "application/json")).toBe("blocked");
    expect(await posting("cors", "text/plain")).toBe("blocked");
    // The browser sends this one and hides the answer.
    expect(await posting("no-cors", "text/plain")).toBe("opaque 0");
    expect(await outcome(`fetch("${server.url}/streams")`)).toBe("blocked");
    await waitFor("the list", async () => {
      const list = (await (await fetch(`${server.url}/streams?all=1`)).json()) as { count: number };
      return list.count === 0;
    });
  },
);
