/** Builds the Go peer once a run, in a temporary folder, or says why that cannot be. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type GoPeer =
  | { readonly kind: "built"; readonly path: string; remove(): void }
  | { readonly kind: "unavailable"; readonly why: string };

/** Needs `go` and the go-livepeer module from the module proxy; only its trickle package is compiled. */
export function buildGoPeer(): GoPeer {
  const go = Bun.which("go");
  if (go === null) return { kind: "unavailable", why: "go is not installed" };
  const folder = mkdtempSync(join(tmpdir(), "trickle-peer-"));
  for (const file of ["go.mod", "main.go"]) {
    copyFileSync(join(import.meta.dir, file), join(folder, file));
  }
  const path = join(folder, "trickle-peer");
  const built = Bun.spawnSync([go, "build", "-mod=mod", "-o", path, "."], {
    cwd: folder,
    timeout: 120_000,
  });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (built.exitCode === 0) return { kind: "built", path, remove };
  remove();
  const lines = built.stderr.toString().trim().split("\n");
  return { kind: "unavailable", why: lines.at(-1)?.trim() || "go build failed" };
}
