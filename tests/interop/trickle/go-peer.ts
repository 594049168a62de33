/** go-livepeer's trickle package in a process of its own. */
import { buildGo, type GoProgram } from "../../support/go-program.ts";

/** Only the module's trickle package is compiled. */
export const buildGoPeer = (): GoProgram => buildGo(import.meta.dir);

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
