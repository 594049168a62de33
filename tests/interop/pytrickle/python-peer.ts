/** Installs pytrickle, without the dependencies of its media code, in a cache of this checkout, or reports why it cannot. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

export type PythonPeer =
  | {
      readonly kind: "installed";
      /** The command line before the peer's own arguments, and its environment. */
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: "unavailable"; readonly why: string };

const PACKAGES: readonly (readonly string[])[] = [
  ["--no-deps", "pytrickle==0.1.6"],
  ["aiohttp==3.14.5"],
];
const INSTALL_MS = 90_000;

/** Needs `python3` with pip and PyPI the first time, later only `python3`. */
export function installPythonPeer(): PythonPeer {
  const python = Bun.which("python3");
  if (python === null) return { kind: "unavailable", why: "python3 is not installed" };
  const version = run([python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]);
  if (version.failed) return { kind: "unavailable", why: version.lastLine };
  const name = `python-peer-${version.lastLine}`;
  const folder = join(import.meta.dir, "../../../node_modules/.cache", name);
  const peer = {
    kind: "installed",
    command: [python, join(import.meta.dir, "peer.py")],
    env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" },
  } as const;
  if (existsSync(folder)) return peer;
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  for (const packages of PACKAGES) {
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    const limits = ["--retries", "1", "--timeout", "10", "--only-binary", ":all:"];
    const installed = run([python, ...pip, ...limits, "--target", making, ...packages]);
    if (!installed.failed) continue;
    rmSync(making, { recursive: true });
    return { kind: "unavailable", why: installed.lastLine };
  }
  renameSync(making, folder); // atomically, because another run may look for it
  return peer;
}

function run(command: readonly string[]): { readonly failed: boolean; readonly lastLine: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { timeout: INSTALL_MS });
  const failed = exitCode !== 0;
  const said = (failed ? stderr : stdout).toString().trim();
  return { failed, lastLine: said.split("\n").at(-1) || `${command.at(-1)}: exit ${exitCode}` };
}
