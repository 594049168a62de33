/** Describes the machine and the versions that a benchmark ran on. */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import manifest from "../../package.json" with { type: "json" };

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 2 ** 20),
    os: `${type()} ${release()}`,
    /** Load average when the report was made, including the benchmark's own load. */
    load_1m: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
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
    ffmpeg: firstLine("ffmpeg", ["-version"])?.split(" ")[2] ?? "not installed",
    wrk: firstLine("wrk", ["-v"])?.split(" ")[1] ?? "not installed",
  };
}

function firstLine(program: string, args: readonly string[]): string | undefined {
  const path = Bun.which(program);
  if (!path) return undefined;
  const { stdout } = Bun.spawnSync([path, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  return stdout.toString().split("\n")[0];
}
