/** Builds one of the tests' Go programs once per run, in a temporary folder, or reports why it cannot. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type GoProgram =
  | { readonly kind: "built"; readonly path: string; remove(): void }
  | { readonly kind: "unavailable"; readonly why: string };

/** Builds `go.mod` and `main.go` in `source`; needs `go` and the module proxy. */
export function buildGo(source: string): GoProgram {
  const go = Bun.which("go");
  if (go === null) return { kind: "unavailable", why: "go is not installed" };
  const folder = mkdtempSync(join(tmpdir(), "go-program-"));
  for (const file of ["go.mod", "main.go"]) copyFileSync(join(source, file), join(folder, file));
  const path = join(folder, "program");
  const command = [go, "build", "-mod=mod", "-o", path, "."];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: folder, timeout: 120_000 });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (exitCode === 0) return { kind: "built", path, remove };
  remove();
  const lines = stderr.toString().trim().split("\n");
  return { kind: "unavailable", why: lines.at(-1)?.trim() || "go build failed" };
}
