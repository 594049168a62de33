/** go-livepeer's trickle package in a process of its own. */
import { buildGo, type GoProgram } from "../../support/go-program.ts";

/** Puts the module that go.mod names into Go's module cache, whatever module proxies serve. */
const DOWNLOAD = "GOPROXY=direct go mod download github.com/livepeer/go-livepeer@v0.9.1";

/** Only the module's trickle package is compiled. It comes from Go's module cache, and where that lacks it, from a proxy. */
export function buildGoPeer(): GoProgram {
  const program = buildGo(import.meta.dir);
  if (program.kind === "built" || Bun.which("go") === null) return program;
  return { kind: "unavailable", why: `${program.why} Run once: ${DOWNLOAD}` };
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
    pid: child.pid,
    base: "",
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
      peer.remove();
    },
  };
}
