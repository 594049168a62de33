/** Builds the images of Dockerfile.bun with a daemon of this test's own, and runs them as hardened as docs/containers.md does. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { saveImage } from "../../scripts/release/image.ts";
import { noDebianRoot } from "../support/debian-root.ts";
import { composeConfig, noDockerCompose } from "../support/docker-compose.ts";
import { buildKitClient, type DockerDaemon, tryDockerDaemon } from "../support/docker-daemon.ts";
import { documentedDocker, withFlags } from "../support/documented-docker.ts";
import { hasFfmpeg } from "../support/ffmpeg.ts";
import { framesByFfmpeg } from "../support/ffmpeg-frames.ts";
import { freePort } from "../support/free-port.ts";
import { api, collect } from "../support/live-stream.ts";
import { runCommand } from "../support/run-command.ts";
import { defaultImage, makeStandIns } from "../support/stand-in-images.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(300_000);

const root = join(import.meta.dir, "../..");
const PROGRAM = "/opt/comfystream-byoc/comfystream-byoc";
const HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
const IMAGE = "comfystream-byoc";
const REVISION = "0123abc";

const missing = noDebianRoot ?? (hasFfmpeg ? null : "needs ffmpeg");
const started = missing ?? (await tryDockerDaemon("image"));
type Body = (docker: DockerDaemon) => Promise<void>;
const testWithout = (reason: string) => (name: string, _: Body) =>
  test.skip(`${name} (${reason})`, () => {});
const testImage =
  typeof started === "string"
    ? testWithout(started)
    : (name: string, body: Body) => test(name, () => body(started));
const testCompose = noDockerCompose === null ? testImage : testWithout(noDockerCompose);
const buildKit = await buildKitClient();
const testBuildKit = buildKit === null ? testWithout("needs BuildKit") : testImage;

/** The daemon's folder also has what images are made from. */
let folder: string;

beforeAll(async () => {
  if (typeof started === "string") return;
  folder = join(started.folder, "sources");
  await mkdir(folder);
  await makeStandIns(started, folder);
  await build(started, cpu);
}, 600_000);

afterAll(async () => {
  if (typeof started !== "string") await started[Symbol.asyncDispose]();
}, 60_000);

/** Runs a documented `docker build`, wherever this test was started; the last of a flag given twice counts. */
function build(
  docker: DockerDaemon,
  documented: readonly string[],
  ...more: readonly string[]
): Promise<string> {
  const [command = "", ...flags] = withFlags(documented, {
    "-f": ["-f", join(root, "Dockerfile.bun")],
  }).slice(0, -1);
  const ours = ["--network", "host", "--build-arg", `REVISION=${REVISION}`];
  return docker.run(command, ...flags, ...ours, ...more, root);
}

const cpu = documentedDocker("build", "-f", "Dockerfile.bun", "--target", "cpu")[0] ?? [];
const gpu = documentedDocker("build", "-f", "Dockerfile.bun", "--target", "gpu")[0] ?? [];

testImage("the CPU image is small and says how it is to be run", async (docker) => {
  const [image] = JSON.parse(await docker.run("image", "inspect", IMAGE));
  expect(image.Size).toBeLessThan(450e6);
  const { Config } = image;
  expect(Config.User).toBe("1000:1000");
  expect(Config.StopSignal).toBe("SIGTERM");
  expect(Config.Healthcheck.Test).toEqual(["CMD", PROGRAM, "health"]);
  expect(Config.Volumes).toEqual({ "/workspace": {} });
  expect(Config.ExposedPorts).toEqual({ "5000/tcp": {} });
  expect(Config.Labels).toMatchObject({
    "org.opencontainers.image.title": manifest.name,
    "org.opencontainers.image.description": manifest.description,
    "org.opencontainers.image.version": manifest.version,
    "org.opencontainers.image.revision": REVISION,
  });
});

testBuildKit(
  "BuildKit builds the CPU image where no target is named, and no stage of the GPU's",
  async (docker) => {
    const flags = ["--network", "host", "--file", join(root, "Dockerfile.bun"), "--tag", "default"];
    const steps = await docker.buildWithBuildKit(buildKit ?? "", ...flags, root);
    expect(steps).toContain("[build ");
    expect(steps).not.toContain("[gpu");
    const [image] = JSON.parse(await docker.run("image", "inspect", "default"));
    expect(image.Config.Env).toContain("DEVICE=cpu");
  },
);

testImage(
  "the documented container serves a stream through an engine's death and stops in time",
  async (docker) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const [documented = []] = documentedDocker("run", "--detach");
    // This daemon publishes no ports.
    const address = ["--network", "host", "--env", "HOST=127.0.0.1", "--env", `PORT=${port}`];
    const container = await docker.run(...withFlags(documented, { "--publish": address }));
    try {
      const state = async () => JSON.parse(await docker.run("inspect", container))[0].State;
      await waitFor("healthy", async () => (await state()).Health.Status === "healthy", 60_000);

      const server = api(url);
      const size = { width: 320, height: 192, fps: 20 };
      const id = await server.start({
        stream_url: `${url}/trickle/out`,
        model: "test-card",
        ...size,
      });
      const reader = new AbortController();
      const output = collect(`${url}/trickle/out`, reader.signal);
      const complete = () => output.segments.filter((segment) => segment.complete);
      await waitFor("output", () => complete().length >= 2, 30_000);

      const engine = (await docker.processes(container)).find(({ command }) =>
        command.endsWith(" engine"),
      );
      if (engine === undefined) throw new Error("no engine runs in the container");
      const rights = await Bun.file(`/proc/${engine.pid}/status`).text();
      expect(rights).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
      expect(rights).toMatch(/^CapBnd:\t0+$/m);
      expect(rights).toMatch(/^NoNewPrivs:\t1$/m);
      expect(await Bun.file(`/proc/${engine.pid}/mounts`).text()).toMatch(/^\S+ \/ \S+ ro,/m);
      process.kill(engine.pid, "SIGKILL");
      const before = complete().length;
      await waitFor("output of another engine", () => complete().length >= before + 3, 30_000);
      expect(await server.stream(id)).toMatchObject({ status: "active", stats: { restarts: 1 } });

      for (const exec of documentedDocker("exec")) await docker.run(...exec);

      const stopping = performance.now();
      const processes = await docker.processes(container);
      for (const stop of documentedDocker("stop")) await docker.run(...stop); // SIGKILL after ten seconds
      expect(performance.now() - stopping).toBeLessThan(9_000);
      expect(await state()).toMatchObject({ Status: "exited", ExitCode: 0, OOMKilled: false });
      expect(processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([]);
      reader.abort();

      const frames = await framesByFfmpeg(complete().map(({ bytes }) => bytes));
      expect(frames.length).toBeGreaterThan(60);
      expect(new Set(frames.map(({ md5 }) => md5)).size).toBeGreaterThan(frames.length / 2);
      const times = frames.map(({ time }) => time);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    } catch (error) {
      console.error(await docker.run("logs", container));
      throw error;
    } finally {
      await docker.run("rm", "--force", "--volumes", container);
    }
  },
);

testCompose(
  "the worker of compose.yaml is healthy, checks models in /tmp, and is stopped in order",
  async (docker) => {
    const port = await freePort();
    const { services } = await composeConfig({ env: { PORT: `${port}` } });
    // There is no network here but the machine's own, which publishes no ports.
    const { ports: _, build: __, ...worker } = { build: null, ...services["worker"] };
    const environment = { ...worker.environment, HOST: "127.0.0.1" };
    const file = join(folder, "worker.json");
    const only = { worker: { ...worker, environment, network_mode: "host" } };
    await Bun.write(file, JSON.stringify({ services: only, volumes: { workspace: {} } }));
    const compose = (...args: readonly string[]) =>
      runCommand(["docker-compose", "--project-name", "test", "--file", file, ...args], docker.env);
    try {
      await compose("up", "--detach");
      const container = (await compose("ps", "--quiet")).trim();
      const state = async () => JSON.parse(await docker.run("inspect", container))[0].State;
      await waitFor("healthy", async () => (await state()).Health.Status === "healthy", 60_000);
      const { HostConfig } = JSON.parse(await docker.run("inspect", container))[0];
      expect(HostConfig).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        Privileged: false,
      });
      expect(HostConfig.SecurityOpt).toEqual(["no-new-privileges:true"]);
      expect(await docker.run("exec", container, PROGRAM, "models", "check", "identity")).toContain(
        "nothing looks wrong",
      );
      await compose("stop");
      expect(await state()).toMatchObject({ ExitCode: 0 });
    } finally {
      await compose("down", "--volumes");
    }
  },
);

testImage("a release saves the image as a file that docker load reads", async (docker) => {
  const file = join(folder, "image.tar.gz");
  const env = { ...process.env, ...docker.env };
  expect(await saveImage(root, manifest.version, file, env)).toBeNull();
  const tag = `${manifest.name}:${manifest.version}`;
  await docker.run("rmi", tag);
  expect(await docker.run("load", "--input", file)).toContain(`Loaded image: ${tag}`);
});

testImage("a base image without a shell is enough", async (docker) => {
  const script = 'ldd "$0" "$(dirname "$0")"/lib/*';
  const list = await docker.run("run", "--rm", "--entrypoint", "sh", IMAGE, "-c", script, PROGRAM);
  const libraries = new Set(list.match(/(?<==> |^\t)\/\S+(?= \()/gm));
  const bare = join(folder, "bare");
  for (const path of libraries)
    if (!path.startsWith("/opt/"))
      await cp(join(folder, "debian", path), join(bare, path), { dereference: true });
  await docker.importFolder(bare, "bare");
  await build(docker, cpu, "-t", "without-shell", "--build-arg", "BASE_IMAGE=bare");
  const doctor = ["run", "--rm", "--network", "none", ...HARDENED, "without-shell", "doctor"];
  expect(await docker.run(...doctor)).toContain("device cpu: ok");
});

testImage(
  "the GPU image is only built on an image that has its provider's libraries",
  async (docker) => {
    // The provider is downloaded from where no test reaches. Another library of ONNX Runtime, which needs libstdc++, replaces it.
    const dockerfile = join(folder, "Dockerfile.gpu");
    const download = "bun node_modules/onnxruntime-node/script/install.js";
    const replacement =
      `cp $ORT/onnxruntime_binding.node $ORT/libonnxruntime_providers_cuda.so`.replaceAll(
        "$ORT",
        `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}`,
      );
    const text = await Bun.file(join(root, "Dockerfile.bun")).text();
    expect(text).toContain(download);
    await Bun.write(dockerfile, text.replace(download, replacement));
    const buildOn = (image: string) =>
      build(docker, gpu, "-f", dockerfile, "--build-arg", `CUDA_IMAGE=${image}`);

    const base = await defaultImage("BASE_IMAGE");
    await buildOn(base);
    expect(await docker.run("run", "--rm", "comfystream-byoc:gpu", "--version")).toContain(
      manifest.version,
    );

    const context = join(folder, "lacking");
    await Bun.write(
      join(context, "Dockerfile"),
      `FROM ${base}\nRUN rm /usr/lib/*/libstdc++.so.6*\n`,
    );
    await docker.run("build", "--tag", "lacking", context);
    const refused = await buildOn("lacking").then(() => "", String);
    expect(refused).toContain(
      "the cuda provider needs libstdc++.so.6 but this image does not have it",
    );
  },
);
