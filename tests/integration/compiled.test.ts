/** Tests the product as one binary in an empty folder: server, engine, codecs, models and assets come from inside it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BunFile, Subprocess } from "bun";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const root = join(import.meta.dir, "../..");
const { platform, arch } = process;
const onnxRuntime = `onnxruntime-node/bin/napi-v6/${platform}/${arch}/onnxruntime_binding.node`;
const missing = [`@seydx/node-av-${platform}-${arch}/node-av.node`, onnxRuntime].find(
  (path) => !existsSync(join(root, "node_modules", path)),
);
const testCompiled = (name: string, body: () => Promise<void>) =>
  missing === undefined ? test(name, body) : test.skip(`${name} (needs ${missing})`, body);

const folder = await mkdtemp(join(tmpdir(), "compiled-"));
const binary = join(folder, "bin/comfystream-byoc");
/** The binary's working folder, home and temporary folder. It gets no PATH. */
const home = join(folder, "empty");

beforeAll(async () => {
  if (missing !== undefined) return;
  await mkdir(home);
  const build = Bun.spawn([process.execPath, join(root, "scripts/build-binary.ts"), binary], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 60_000,
  });
  expect(await build.exited).toBe(0);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const log = join(home, "stderr.log");

const run = (...args: string[]): Subprocess<"ignore", "pipe", BunFile> =>
  Bun.spawn([binary, ...args], {
    cwd: home,
    env: { HOME: home, TMPDIR: home },
    stdio: ["ignore", "pipe", Bun.file(log)],
  });

async function listeningUrl(): Promise<string> {
  let url: string | undefined;
  await waitFor("the line `listening`", async () => {
    url = / listening url=(\S+)/.exec(await Bun.file(log).text())?.[1];
    return url !== undefined;
  });
  return url ?? "";
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

testCompiled("the binary serves a stream from an empty folder and leaves nothing", async () => {
  const server = run("server", "--host", "127.0.0.1", "--port", "0");
  try {
    const url = await listeningUrl();
    let engines: { pid: number }[] = [];
    await waitFor("a ready engine", async () => {
      const response = await fetch(`${url}/health`);
      const health = (await response.json()) as { status: string; engines: { pid: number }[] };
      engines = health.engines;
      return response.status === 200 && health.status === "IDLE";
    });

    const started = await fetch(`${url}/stream/start`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        prompts: [{ prompt: "x" }],
        stream_url: `${url}/trickle/smoke`,
        width: 256,
        height: 256,
      }),
    });
    expect(await started.json()).toMatchObject({ success: true, stream: { status: "active" } });

    let segment: Uint8Array = new Uint8Array();
    await waitFor("a segment", async () => {
      const response = await fetch(`${url}/trickle/smoke/-2`);
      segment = await response.bytes();
      return response.status === 200 && segment.length > 0;
    });
    expect(new TextDecoder().decode(segment.subarray(4, 8))).toBe("ftyp");
    expect((await fetch(`${url}/openapi/viewer.js`)).status).toBe(200);
    expect(await (await fetch(url)).text()).toContain(`data-channels="${url}/trickle"`);

    server.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(engines.map(({ pid }) => pid).filter(isAlive)).toEqual([]);
  } catch (error) {
    console.error(await Bun.file(log).text());
    throw error;
  } finally {
    server.kill("SIGKILL");
  }
});

testCompiled("the binary prints its version and those of its native parts", async () => {
  const child = run("--version");
  const [version, ...parts] = (await child.stdout.text()).trimEnd().split("\n");
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(parts).toContain(`  Bun ${Bun.version} (MIT)`);
  expect(parts.join()).toMatch(/FFmpeg \S+ \(GPL-3.*ONNX Runtime \S+ \(MIT\).*x264.*mp4box/);
  expect(await child.exited).toBe(0);
});

testCompiled(
  "a binary built with --lib finds its libraries beside it and unpacks none",
  async () => {
    const place = join(folder, "with-lib");
    await mkdir(place);
    const program = join(place, "program");
    const build = [process.execPath, join(root, "scripts/build-binary.ts"), program, "--lib"];
    expect(await Bun.spawn(build, { stdio: ["ignore", "ignore", "inherit"] }).exited).toBe(0);
    expect(Bun.file(program).size).toBeLessThan(Bun.file(binary).size - 50e6);
    const doctor = () =>
      Bun.spawn([program, "doctor"], {
        cwd: home,
        env: { HOME: place, TMPDIR: home },
        stdio: ["ignore", "pipe", "pipe"],
      });
    const child = doctor();
    expect(await child.stdout.text()).toContain("device cpu: ok");
    expect(await child.exited).toBe(0);
    expect(existsSync(join(place, ".cache"))).toBe(false);

    await rm(join(place, "lib/node-av.node"));
    const broken = doctor();
    expect(await broken.stderr.text()).toContain(`${join(place, "lib/node-av.node")} is missing`);
    expect(await broken.exited).toBe(1);
  },
);
