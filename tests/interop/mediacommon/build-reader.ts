/** Builds the Go reader once a run, in a temporary folder, or says why that cannot be; and asks it. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type GoReader =
  | { readonly kind: "built"; read(bytes: Uint8Array): WhepView; remove(): void }
  | { readonly kind: "unavailable"; readonly why: string };

/** What a viewer of the gateway's WHEP server would get; stamps in 90 kHz ticks. */
export interface WhepView {
  readonly tracks: readonly string[];
  readonly frames: readonly number[];
  readonly opus: readonly number[];
  /** Pictures before the first random access point. */
  readonly dropped: number;
  /** Pictures whose pts is not their dts. */
  readonly reordered: number;
  readonly errors: readonly string[];
}

/** Needs `go` and the mediacommon module from the module proxy. */
export function buildReader(): GoReader {
  const go = Bun.which("go");
  if (go === null) return { kind: "unavailable", why: "go is not installed" };
  const folder = mkdtempSync(join(tmpdir(), "mediacommon-reader-"));
  for (const file of ["go.mod", "main.go"]) {
    copyFileSync(join(import.meta.dir, file), join(folder, file));
  }
  const path = join(folder, "mediacommon-reader");
  const build = [go, "build", "-mod=mod", "-o", path, "."];
  const { exitCode, stderr } = Bun.spawnSync(build, { cwd: folder, timeout: 120_000 });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (exitCode === 0) return { kind: "built", read: (bytes) => ask(path, bytes), remove };
  remove();
  const lines = stderr.toString().trim().split("\n");
  return { kind: "unavailable", why: lines.at(-1)?.trim() || "go build failed" };
}

function ask(path: string, bytes: Uint8Array): WhepView {
  const { exitCode, stdout, stderr } = Bun.spawnSync([path], { stdin: bytes, timeout: 20_000 });
  if (exitCode !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as WhepView;
}
