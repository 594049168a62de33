/** A Docker daemon of the test's own: its data, state and socket are in one folder, and it configures no network. */
import { mkdtemp, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Subprocess } from "bun";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait-for.ts";

const CGROUPS = "/sys/fs/cgroup";

/** What a daemon lacks here; null if nothing, though it may still fail to start. */
export const noDockerDaemon: string | null =
  process.platform !== "linux" || process.getuid?.() !== 0
    ? "needs Linux and root"
    : Bun.which("dockerd") === null || Bun.which("docker") === null
      ? "needs docker.io"
      : null;

const WITH_BUILDKIT = { DOCKER_BUILDKIT: "1" };

/** A client that has BuildKit, as those before version 23 do, and later ones with the plugin buildx; null if there is none. */
export async function buildKitClient(): Promise<string | null> {
  for (const client of ["docker", "/usr/bin/docker"]) {
    const help = runCommand([client, "build", "--help"], WITH_BUILDKIT);
    if (
      await help.then(
        () => true,
        () => false,
      )
    )
      return client;
  }
  return null;
}

/** Starts a daemon in a new folder under the temporary one, or says why there is none. */
export async function tryDockerDaemon(name: string): Promise<DockerDaemon | string> {
  if (noDockerDaemon !== null) return noDockerDaemon;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  return DockerDaemon.start(folder).catch((error: Error) => error.message);
}

export class DockerDaemon implements AsyncDisposable {
  readonly folder: string;
  readonly #process: Subprocess;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(folder: string, daemon: Subprocess) {
    this.folder = folder;
    this.#process = daemon;
    // The classic builder, which every daemon has: a Dockerfile that it builds is built by BuildKit, too.
    this.#env = {
      DOCKER_HOST: `unix://${join(folder, "socket")}`,
      DOCKER_CONFIG: join(folder, "config"),
      DOCKER_BUILDKIT: "0",
    };
  }

  /** Starts a daemon in an empty folder, which it removes at its end. */
  static async start(folder: string): Promise<DockerDaemon> {
    const log = join(folder, "dockerd.log");
    const flags = {
      "--data-root": join(folder, "data"),
      "--exec-root": join(folder, "exec"),
      "--pidfile": join(folder, "pid"),
      "--host": `unix://${join(folder, "socket")}`,
      "--bridge": "none",
      "--iptables": "false",
      "--ip6tables": "false",
      "--cgroup-parent": `/${basename(folder)}`,
    };
    const child = Bun.spawn(
      ["dockerd", ...Object.entries(flags).map(([flag, value]) => `${flag}=${value}`)],
      { stdio: ["ignore", Bun.file(log), Bun.file(log)] },
    );
    const daemon = new DockerDaemon(folder, child);
    const answers = () =>
      daemon.run("version").then(
        () => true,
        () => child.exitCode !== null,
      );
    await waitFor("the Docker daemon", answers, 60_000);
    if (child.exitCode === null) return daemon;
    const lines = (await Bun.file(log).text()).trim().split("\n");
    await daemon.#remove();
    throw new Error(`dockerd does not start: ${lines.at(-1)}`);
  }

  /** Runs the command `docker`; returns what it printed to stdout, without the space at its ends. */
  async run(...args: readonly string[]): Promise<string> {
    return (await runCommand(["docker", ...args], this.#env)).trim();
  }

  /** Builds with BuildKit by this client; returns the report of its steps. */
  buildWithBuildKit(client: string, ...args: readonly string[]): Promise<string> {
    const env = { ...this.#env, ...WITH_BUILDKIT, BUILDKIT_PROGRESS: "plain" };
    return runCommand(["sh", "-c", '"$@" 2>&1', "sh", client, "build", ...args], env);
  }

  /** A container's processes, with their ids outside it. */
  async processes(container: string): Promise<{ pid: number; command: string }[]> {
    const rows = (await this.run("top", container, "-o", "pid,args")).split("\n").slice(1);
    return rows.map((row) => ({
      pid: Number.parseInt(row, 10),
      command: row.trim().replace(/^\d+\s+/, ""),
    }));
  }

  /** The environment in which `docker` and docker-compose use this daemon. */
  get env(): Readonly<Record<string, string>> {
    return this.#env;
  }

  /** Imports a folder as an image. */
  async importFolder(folder: string, image: string): Promise<void> {
    const script = 'tar -C "$1" -c . | docker import - "$2"';
    await runCommand(["sh", "-c", script, "sh", folder, image], this.#env);
  }

  /** Removes all containers, ends the daemon, and removes what it made. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const list = await this.run("ps", "--all", "--quiet");
      if (list !== "") await this.run("rm", "--force", "--volumes", ...list.split("\n"));
    } finally {
      this.#process.kill("SIGTERM");
      await this.#process.exited;
      await this.#remove();
    }
  }

  /** Control groups of its containers and of BuildKit, the innermost first. */
  async cgroups(): Promise<string[]> {
    const paths = await readdir(CGROUPS, { recursive: true, withFileTypes: true });
    return paths
      .filter((entry) => entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => path.split("/").includes(basename(this.folder)))
      .sort((a, b) => b.length - a.length);
  }

  async #remove(): Promise<void> {
    for (const path of await mountsBelow(this.folder)) await runCommand(["umount", path]);
    for (const path of await this.cgroups()) await rmdir(path);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Mount points below a folder, the innermost first. */
export async function mountsBelow(folder: string): Promise<string[]> {
  const lines = (await readFile("/proc/mounts", "utf8")).split("\n");
  const points = lines.map((line) => line.split(" ")[1] ?? "");
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse();
}
