/** Runs the client that docs/live-runner.md shows, with livepeer-gateway, against the worker. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tsSegments } from "../../support/clip.ts";
import { decodeMedia } from "../../support/clip-reader.ts";
import { synthetic } from "../../support/clip-synthetic.ts";
import { APP, startRunnerNode } from "../../support/live-runner/runner-node.ts";
import { installGateway } from "./python-peer.ts";

setDefaultTimeout(60_000);

const PAGE = join(import.meta.dir, "../../../docs/live-runner.md");
const FRAMES = 40;

const packages = installGateway();
const title = "the Python client of docs/live-runner.md sends a file and saves what comes back";
if (packages.kind !== "installed")
  test.skip(`${title} (no livepeer-gateway: ${packages.why})`, () => {});
else
  test(title, async () => {
    const folder = await mkdtemp(join(tmpdir(), "docs-client-"));
    const [client, source, target] = ["client.py", "clip.ts", "painting.ts"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const page = await Bun.file(PAGE).text();
    await Bun.write(client, /^```python\n([\s\S]*?)^```/m.exec(page)?.[1] ?? "");
    const clip = await synthetic({
      parts: [{ width: 160, height: 120, frames: FRAMES }],
      fps: 20,
      gop: 20,
    });
    await Bun.write(source, Buffer.concat(tsSegments(clip)));
    await using node = await startRunnerNode({ dialect: "livepeer-node", intervalMs: 300 });
    const child = Bun.spawn([packages.python, client, node.orchestrator.url, APP, source, target], {
      stdio: ["ignore", "pipe", "pipe"],
      env: packages.env,
    });
    const [out, errors, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    expect({ code, errors: code === 0 ? "" : errors }).toEqual({ code: 0, errors: "" });
    expect(out).toMatch(/^completed \d+\n$/);
    const { video } = await decodeMedia(await Bun.file(target).bytes());
    expect(video?.frames.length).toBeGreaterThan(FRAMES / 2);
    await rm(folder, { recursive: true });
  });
