/** Builds the binary, and runs it as strangers do: no privileges, an empty environment, nothing of this project in reach. */
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Subprocess } from "bun";
import { runCommand } from "./run-command.ts";
import { waitFor } from "./wait-for.ts";

const ROOT = join(import.meta.dir, "../..");
/** The user `nobody`, which owns nothing. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const AS_NOBODY = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

/** Why the binary cannot be built and tested here; null if it can. */
export const noBinary: string | null =
  process.platform !== "linux"
    ? "needs Linux"
    : isRoot && Bun.which("setpriv") === null
      ? "needs setpriv"
      : null;

/** Runs `bun run build` with these arguments. */
export async function buildBinary(...args: readonly string[]): Promise<void> {
  await runCommand([process.execPath, join(ROOT, "scripts/build-binary.ts"), ...args]);
}

export interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** How a program is started without privileges; the last argument is the program. */
const UNPRIVILEGED = isRoot ? [Bun.which("setpriv") ?? "setpriv", ...AS_NOBODY] : [];

/**
 * Starts a program in another root folder, whose own files are read-only; `home` is the same folder inside and outside.
 * Arguments: root, home, program and its own.
 */
const IN_ROOT = `set -e
root="$1" home="$2" path="$PATH"; shift 2
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --bind "$root" "$root"
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
mount --bind "$home" "$root$home"
exec chroot --userspec=${NOBODY}:${NOBODY} "$root" /usr/bin/env PATH="$path" "$@"`;

/** A folder in which the binary runs. Only `home`, below it, can be written to by the user that runs it. */
export class BinaryPlace implements AsyncDisposable {
  readonly folder: string;
  /** The working folder: empty, and read-only for the program. */
  readonly empty: string;
  /** Home, with the cache folder, the temporary folder and the workspace. */
  readonly home: string;
  readonly binary: string;
  #start: readonly string[] = UNPRIVILEGED;
  readonly #children: Subprocess[] = [];

  private constructor(folder: string, binary: string) {
    this.folder = folder;
    this.empty = join(folder, "empty");
    this.home = join(folder, "home");
    this.binary = binary;
  }

  static async create(binary: string): Promise<BinaryPlace> {
    const place = new BinaryPlace(await mkdtemp(join(tmpdir(), "place-")), binary);
    for (let at = place.empty; at !== dirname(at); at = dirname(at))
      if (existsSync(join(at, "node_modules"))) throw new Error(`${at} has node_modules`);
    await chmod(place.folder, 0o755);
    await mkdir(place.empty, { mode: 0o555 });
    await mkdir(place.home, { mode: 0o700 });
    await place.give(place.home);
    return place;
  }

  /** In a root folder such as a minimal Debian, to which the binary is copied. Needs root. */
  static async createIn(root: string, binary: string): Promise<BinaryPlace> {
    const program = "/usr/bin/comfystream-byoc";
    const place = await BinaryPlace.create(program);
    await copyFile(binary, join(root, program));
    await chmod(join(root, program), 0o755);
    await mkdir(join(root, place.home), { recursive: true });
    place.#start = [
      "/usr/bin/unshare",
      "--mount",
      "/bin/sh",
      "-c",
      IN_ROOT,
      "sh",
      root,
      place.home,
    ];
    return place;
  }

  /** Makes the program's user the owner. */
  async give(path: string): Promise<void> {
    if (isRoot) await chown(path, NOBODY, NOBODY);
  }

  get environment(): Record<string, string> {
    return { HOME: this.home, TMPDIR: this.home, PATH: this.empty };
  }

  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = Bun.spawn([...this.#start, this.binary, ...args], {
      cwd: this.empty,
      env: { ...this.environment, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    return child;
  }

  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const child = this.spawn(args, env);
    const [out, err, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { out, err, code };
  }

  /** Starts a server on loopback, and waits until it says where it listens. */
  async serve(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<BinaryServer> {
    const child = this.spawn(["server", "--host", "127.0.0.1", "--port", "0", ...args], env);
    const server = new BinaryServer(child);
    await server.listening();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGKILL");
      await child.exited;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A server that was started from the binary. */
export class BinaryServer {
  readonly child: Subprocess<"ignore", "pipe", "pipe">;
  url = "";
  log = "";

  constructor(child: Subprocess<"ignore", "pipe", "pipe">) {
    this.child = child;
    void this.#read();
  }

  async listening(): Promise<void> {
    await waitFor(
      "the line `listening`",
      () => this.url !== "" || this.child.exitCode !== null,
      60_000,
    );
    if (this.url === "") throw new Error(`the server ended:\n${this.log}`);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.child.stderr) {
      this.log += decoder.decode(bytes, { stream: true });
      this.url ||= / listening url=(\S+)/.exec(this.log)?.[1] ?? "";
    }
  }
}
