/** Describes the machine and the versions that a benchmark ran on. */
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import manifest from "../../package.json" with { type: "json" };
import { findReference, PYTHON_REFERENCES, type PythonReference } from "./python-references.ts";

/** Programs of Debian that benchmarks use. */
export const PROGRAMS = ["ffmpeg", "wrk"] as const;
type Program = (typeof PROGRAMS)[number];

/** What prints a program's version, and which word of it that is. */
const VERSION_OF: Readonly<Record<Program, { readonly flag: string; readonly word: number }>> = {
  ffmpeg: { flag: "-version", word: 2 },
  wrk: { flag: "-v", word: 1 },
};
const ABSENT = "not installed";

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 2 ** 20),
    os: `${type()} ${release()}`,
  };
}

/** The commit that is checked out now, and whether files of it have been changed since; "unknown" outside a clone. */
export function commit(): string {
  const git = (...args: string[]) => {
    const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { cwd: import.meta.dir });
    return exitCode === 0 ? stdout.toString().trim() : null;
  };
  const head = git("rev-parse", "--short", "HEAD");
  if (head === null) return "unknown";
  return git("status", "--porcelain", ":/src", ":/scripts", ":/tests") === ""
    ? head
    : `${head} with changes`;
}

export function versions(): Record<string, string> {
  const of = manifest.dependencies;
  return {
    [manifest.name]: manifest.version,
    bun: Bun.version,
    elysia: of.elysia,
    "node-av": of["node-av"],
    "onnxruntime-node": of["onnxruntime-node"],
    mp4box: of.mp4box,
    ...Object.fromEntries(PROGRAMS.map((name) => [name, programVersion(name) ?? ABSENT])),
    ...Object.fromEntries(PYTHON_REFERENCES.map((each) => [each.name, referenceVersion(each)])),
  };
}

/** Null if the program is not on the path. */
export function programVersion(name: Program): string | null {
  const path = Bun.which(name);
  if (path === null) return null;
  const { flag, word } = VERSION_OF[name];
  const { stdout } = Bun.spawnSync([path, flag], { stdio: ["ignore", "pipe", "ignore"] });
  return stdout.toString().split(/\s+/)[word] ?? null;
}

function referenceVersion(reference: PythonReference): string {
  return findReference(reference).kind === "installed" ? reference.version : ABSENT;
}
