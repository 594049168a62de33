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
  for (const file of ["go.mod", "go.sum", "main.go"]) {
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

/** go-livepeer's trickle server on a port of this machine, until it is disposed of. Throws why it cannot be built. */
export async function startGoTrickle() {
  const peer = buildGoPeer();
  if (peer.kind === "unavailable") throw new Error(`no Go trickle server: ${peer.why}`);
  const child = Bun.spawn([peer.path, "server"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value = "" } = await child.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
  return {
    port: Number(new URL(value.trim()).port),
    base: "",
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
      peer.remove();
    },
  };
}
