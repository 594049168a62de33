/** Installs Python packages into a cache of this checkout, once per machine, or reports why it cannot. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

export type PythonPackages =
  | {
      readonly kind: "installed";
      readonly python: string;
      /** For the programs that use the packages. */
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: "unavailable"; readonly why: string };

const INSTALL_MS = 90_000;
const PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
const LIMITS = ["--retries", "1", "--timeout", "10", "--only-binary", ":all:"];

/**
 * Needs `python3` with pip and PyPI the first time, later only `python3`.
 *
 * @param name of the folder; change it where the packages change
 * @param packages arguments of each call of `pip install`
 */
export function installPythonPackages(
  name: string,
  packages: readonly (readonly string[])[],
): PythonPackages {
  const python = Bun.which("python3");
  if (python === null) return { kind: "unavailable", why: "python3 is not installed" };
  const version = run([python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]);
  if (version.failed) return { kind: "unavailable", why: version.lastLine };
  const folder = join(
    import.meta.dir,
    "../../node_modules/.cache",
    `${name}-python-${version.lastLine}`,
  );
  const env = { PATH: process.env["PATH"] ?? "", PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
  if (existsSync(folder)) return { kind: "installed", python, env };
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  for (const arguments_ of packages) {
    const installed = run([python, ...PIP, ...LIMITS, "--target", making, ...arguments_]);
    if (!installed.failed) continue;
    rmSync(making, { recursive: true });
    return { kind: "unavailable", why: installed.lastLine };
  }
  try {
    renameSync(making, folder); // atomically, because another run may look for it
  } catch (error) {
    rmSync(making, { recursive: true });
    if (!existsSync(folder)) throw error; // else another run was faster
  }
  return { kind: "installed", python, env };
}

function run(command: readonly string[]): { readonly failed: boolean; readonly lastLine: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { timeout: INSTALL_MS });
  const failed = exitCode !== 0;
  const printed = (failed ? stderr : stdout).toString().trim();
  return { failed, lastLine: printed.split("\n").at(-1) || `${command.at(-1)}: exit ${exitCode}` };
}
