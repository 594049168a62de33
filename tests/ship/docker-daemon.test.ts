/** Tests that the daemon that other tests build images with leaves nothing behind. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { mountsBelow, tryDockerDaemon } from "../support/docker-daemon.ts";

setDefaultTimeout(60_000);

const docker = await tryDockerDaemon("docker");

if (typeof docker === "string") test.skip(`a private Docker daemon (${docker})`, () => {});
else
  test("a private Docker daemon takes its containers, processes, mounts and folders with it", async () => {
    // The image is links into this machine's programs, which the container mounts.
    const image = join(docker.folder, "image");
    await mkdir(image);
    for (const name of ["bin", "lib", "lib64"]) await symlink(`usr/${name}`, join(image, name));
    await docker.importFolder(image, "image");
    const flags = ["--detach", "--network", "host", "--volume", "/usr:/usr:ro"];
    const container = await docker.run("run", ...flags, "image", "/bin/sleep", "600");
    const processes = await docker.processes(container);
    expect(processes.map(({ command }) => command)).toEqual(["/bin/sleep 600"]);
    expect(await mountsBelow(docker.folder)).not.toEqual([]);
    expect(await docker.cgroups()).not.toEqual([]);
    // As BuildKit leaves one.
    for (const path of await docker.cgroups())
      if (basename(path) === basename(docker.folder)) await mkdir(join(path, "buildkit"));

    await docker[Symbol.asyncDispose]();
    expect(processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(await mountsBelow(docker.folder)).toEqual([]);
    expect(existsSync(docker.folder)).toBe(false);
    expect(await docker.cgroups()).toEqual([]);
  });
