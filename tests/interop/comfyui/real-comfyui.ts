/** Starts a real ComfyUI on the CPU, on loopback, with a base folder of its own and the node classes of the tests. */
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Installation =
  | { readonly kind: "found"; readonly folder: string; readonly python: string }
  | { readonly kind: "absent"; readonly why: string };

const START_MS = 90_000;
const NODES = "test_nodes.py";
const WEBSOCKET = "websocket_image_save.py";

/** A checkout of ComfyUI's repository, and a Python that has its requirements. No package registry carries it. */
export function findComfyUi(
  env: Readonly<Record<string, string | undefined>> = Bun.env,
): Installation {
  const { COMFYUI_FOLDER: folder, COMFYUI_PYTHON: python = "python3" } = env;
  if (!folder) return { kind: "absent", why: "COMFYUI_FOLDER does not name a checkout of ComfyUI" };
  const command = [python, "-c", "import torch, aiohttp, safetensors, PIL"];
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode === 0) return { kind: "found", folder, python };
  return { kind: "absent", why: `COMFYUI_PYTHON: ${stderr.toString().trim().split("\n").at(-1)}` };
}

export class RealComfy implements AsyncDisposable {
  readonly url: string;
  readonly #process: Bun.Subprocess;
  readonly #base: string;

  static async start(
    { folder, python }: Extract<Installation, { kind: "found" }>,
    {
      websocketNode = "installed",
      port = freePort(),
    }: { readonly websocketNode?: "installed" | "absent"; readonly port?: number } = {},
  ): Promise<RealComfy> {
    const base = await mkdtemp(join(tmpdir(), "comfyui-"));
    await mkdir(join(base, "web"));
    await mkdir(join(base, "input"));
    await cp(join(import.meta.dir, NODES), join(base, "custom_nodes", NODES));
    if (websocketNode === "installed") {
      await cp(join(folder, "custom_nodes", WEBSOCKET), join(base, "custom_nodes", WEBSOCKET));
    }
    const flags = ["--cpu", "--disable-api-nodes", "--disable-metadata", "--dont-print-server"];
    const places = ["--base-directory", base, "--front-end-root", join(base, "web")];
    const at = ["--listen", "127.0.0.1", "--port", String(port)];
    const child = Bun.spawn(
      [
        python,
        "-s",
        join(folder, "main.py"),
        ...flags,
        ...places,
        ...at,
        "--database-url",
        "sqlite:///:memory:",
      ],
      {
        cwd: base,
        env: { ...Bun.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_OFFLINE: "1", DO_NOT_TRACK: "1" },
        stdio: ["ignore", Bun.file(join(base, "log")), Bun.file(join(base, "log"))],
      },
    );
    const comfy = new RealComfy(`http://127.0.0.1:${port}`, child, base);
    try {
      await comfy.#answers();
      return comfy;
    } catch (error) {
      await comfy[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(url: string, child: Bun.Subprocess, base: string) {
    this.url = url;
    this.#process = child;
    this.#base = base;
  }

  /** Puts a file where LoadImage finds it. */
  async addInput(name: string, bytes: Uint8Array): Promise<void> {
    await Bun.write(join(this.#base, "input", name), bytes);
  }

  /** The size of each file that frames were written to. */
  async frameFiles(): Promise<number[]> {
    const names = [...new Bun.Glob("*").scanSync(join(this.#base, "input", "comfystream-byoc"))];
    return names.map((name) => Bun.file(join(this.#base, "input", "comfystream-byoc", name)).size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    await rm(this.#base, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      const answer = await fetch(`${this.url}/queue`).catch(() => null); // it does not listen yet
      if (answer?.ok) return;
      if (this.#process.exitCode !== null || performance.now() > deadline) {
        throw new Error(
          `ComfyUI does not start:\n${await Bun.file(join(this.#base, "log")).text()}`,
        );
      }
      await Bun.sleep(200);
    }
  }
}

/** One that was free a moment ago: ComfyUI does not say which one it has picked. */
function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = server;
  void server.stop(true);
  return Number(port);
}
