/** Installs Python packages into a cache of this checkout, once per machine, or reports why it cannot. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

export interface InstalledPackages {
  readonly kind: "installed";
  readonly python: string;
  readonly folder: string;
  /** For the programs that use the packages. */
  readonly env: Readonly<Record<string, string>>;
}

export type PythonPackages =
  | InstalledPackages
  | { readonly kind: "unavailable"; readonly why: string };

/** How long an installation may take. */
export interface InstallLimits {
  /** One call of pip, in ms. */
  readonly callMs: number;
  /** The silence of a server, in seconds. */
  readonly silenceSeconds: number;
}

/** A test that needs packages skips rather than waits long. */
const OF_TESTS: InstallLimits = { callMs: 90_000, silenceSeconds: 10 };
const PYTHON_MS = 10_000;
const PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

/**
 * Needs `python3` with pip and PyPI the first time, later only `python3`.
 *
 * @param name of the folder; change it where the packages change
 * @param packages arguments of each call of `pip install`
 */
export function installPythonPackages(
  name: string,
  packages: readonly (readonly string[])[],
  { callMs, silenceSeconds }: InstallLimits = OF_TESTS,
): PythonPackages {
  const found = findPythonPackages(name);
  if (found.kind !== "absent") return found;
  const { python, folder } = found;
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  const limits = ["--retries", "1", "--timeout", `${silenceSeconds}`, "--only-binary", ":all:"];
  for (const arguments_ of packages) {
    const command = [python, ...PIP, ...limits, "--target", making, ...arguments_];
    const installed = run(command, callMs);
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
  return installedIn(folder, python);
}

/** What would install packages, and where to. */
interface AbsentPackages {
  readonly kind: "absent";
  readonly python: string;
  readonly folder: string;
}

/** Looks for packages without installing them. */
export function findPythonPackages(name: string): PythonPackages | AbsentPackages {
  const python = Bun.which("python3");
  if (python === null) return { kind: "unavailable", why: "python3 is not installed" };
  const version = versionOf(python);
  if (version.failed) return { kind: "unavailable", why: version.lastLine };
  const cache = join(import.meta.dir, "../../node_modules/.cache");
  const folder = join(cache, `${name}-python-${version.lastLine}`);
  return existsSync(folder) ? installedIn(folder, python) : { kind: "absent", python, folder };
}

/** Asked once: starting Python takes long. */
const versions = new Map<string, Run>();

function versionOf(python: string): Run {
  const known = versions.get(python);
  if (known) return known;
  const asked = [python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"];
  const version = run(asked, PYTHON_MS);
  versions.set(python, version);
  return version;
}

function installedIn(folder: string, python: string): InstalledPackages {
  const env = { PATH: process.env["PATH"] ?? "", PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
  return { kind: "installed", python, folder, env };
}

interface Run {
  readonly failed: boolean;
  readonly lastLine: string;
}

function run(command: readonly string[], limitMs: number): Run {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { timeout: limitMs });
  const failed = exitCode !== 0;
  const printed = (failed ? stderr : stdout).toString().trim();
  return { failed, lastLine: printed.split("\n").at(-1) || `${command.at(-1)}: exit ${exitCode}` };
}
