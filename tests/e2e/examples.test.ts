/** Runs every client in examples/ against a real server, with a model that draws and reports. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noBrowser, startBrowser } from "../support/browser.ts";
import { plays } from "../support/browser-page.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { inBrowser } from "../support/playground.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { TALKING_MODEL, talkingGraph } from "../support/talking-model.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(40_000);

const EXAMPLES = join(import.meta.dir, "../../examples");
const MODEL = "talking";

let server: ServerProcess;
let workspace: OnnxWorkspace;
beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  await workspace.add(MODEL, TALKING_MODEL, talkingGraph());
  server = await startServer(MAIN, ["--workspace", workspace.path]);
  await enginePid(server.url);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

const CLIENTS = [
  { language: "TypeScript", program: process.execPath, file: "typescript/client.ts" },
  { language: "curl", program: Bun.which("curl") && "/bin/bash", file: "curl/client.sh" },
  { language: "Python", program: Bun.which("python3"), file: "python/client.py" },
] as const;

for (const { language, program, file } of CLIENTS) {
  const note = program === null ? ` (needs ${language})` : "";
  test.concurrent.skipIf(program === null)(
    `the client in ${language} starts, reads, changes and stops a stream, and draws a picture${note}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "example-"));
      const child = Bun.spawn([program ?? "", join(EXAMPLES, file), server.url], {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env["PATH"] ?? "", MODEL },
      });
      const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      expect([await child.exited, err]).toEqual([0, ""]);
      const [, id = ""] = /^started ([\w-]+)/.exec(out) ?? [];
      expect(out.match(/^segment \d+: [1-9]\d+ bytes$/gm)).toHaveLength(2);
      expect(out).toContain("a desert at sunset");
      const said = out.match(/^data: .*$/gm)?.map((line) => JSON.parse(line.slice(6))) ?? [];
      expect(said).toHaveLength(3);
      expect(said[0]).toMatchObject({ model: MODEL, values: { colour: expect.anything() } });
      expect(out).toContain("Stream stopped successfully");
      expect((await api(server.url).stream(id)).status).toBe("stopped");
      const segment = await Bun.file(join(folder, "segment.mp4")).bytes();
      expect(Buffer.from(segment.subarray(4, 8)).toString()).toBe("ftyp");
      const { width, format } = await Bun.file(join(folder, "picture.png")).image().metadata();
      expect([width, format]).toEqual([256, "png"]);
      await rm(folder, { recursive: true });
    },
  );
}

inBrowser("the page plays, changes and stops a stream, and shows data and a picture", async () => {
  expect(noBrowser).toBeNull();
  await using page = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(Bun.file(join(EXAMPLES, "browser/index.html"))),
  });
  await using browser = await startBrowser();
  const query = new URLSearchParams({ server: server.url, model: MODEL });
  const tab = await browser.open(`http://localhost:${page.port}/?${query}`);
  await tab.click("#start");
  await plays(tab);
  const data = () => tab.textContent("#data");
  await waitFor("data", async () => (await data())?.includes('"colour"') ?? false);
  const id = (await tab.textContent("[role=status]"))?.replace("started ", "") ?? "";
  await tab.fill("#prompt", "a desert at sunset");
  await tab.click("#change");
  await waitFor("the change", async () => {
    const { metadata } = await api(server.url).stream(id);
    return metadata.prompts[0].prompt === "a desert at sunset";
  });
  await tab.click("#picture");
  await waitFor("a picture", () => tab.evaluate(`document.querySelector("img").naturalWidth > 0`));
  await tab.click("#stop");
  await waitFor("the end", async () => (await api(server.url).stream(id)).status === "stopped");
  expect(browser.errors).toEqual([]);
});
