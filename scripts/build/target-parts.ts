/** Finds or installs what a binary for a target consists of: this project's packages for it, and Bun's executable. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { TARGETS, type Target } from "./native-packages.ts";

const ROOT = join(import.meta.dir, "../..");

interface TargetParts {
  /** A node_modules folder with the target's native packages. */
  readonly modules: string;
  /** Bun for the target; null stands for the Bun that runs this. */
  readonly executable: string | null;
}

/** Throws if there is no target of this name. */
export function targetNamed(name: string): Target {
  const target = TARGETS.find((one) => one.name === name);
  if (target !== undefined) return target;
  throw new Error(`--target must be ${TARGETS.map((one) => one.name).join(" or ")}: ${name}`);
}

/** Packages for another architecture are installed from the lockfile, so with its checksums, to a folder of their own. */
export async function targetParts(target: Target): Promise<TargetParts> {
  if (target.name === `${process.platform}-${process.arch}`)
    return { modules: join(ROOT, "node_modules"), executable: null };
  const folder = join(ROOT, "node_modules/.cache/comfystream-byoc", target.name);
  const runtime = join(folder, "bun");
  await mkdir(runtime, { recursive: true });
  for (const file of ["package.json", "bun.lock", "bunfig.toml"])
    await copyFile(join(ROOT, file), join(folder, file));
  const platform = ["--os", "linux", "--cpu", target.arch, "--ignore-scripts"];
  await runBun(folder, ["install", "--frozen-lockfile", "--production", ...platform]);
  // Not in the lockfile: of all platforms' runtimes, a development machine needs the one that it has.
  const bun = `@oven/bun-linux-${target.arch === "arm64" ? "aarch64" : "x64"}`;
  await Bun.write(join(runtime, "package.json"), "{}");
  await runBun(runtime, ["add", "--exact", `${bun}@${manifest.engines.bun}`, ...platform]);
  return {
    modules: join(folder, "node_modules"),
    executable: join(runtime, "node_modules", bun, "bin/bun"),
  };
}

async function runBun(cwd: string, args: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`bun ${args.join(" ")} failed:\n${out}${err}`);
}
