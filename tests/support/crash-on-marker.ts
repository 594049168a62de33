/**
 * Preloaded into an engine (`BUN_OPTIONS=--preload=…`), ends the process by SIGSEGV when the decoder gets a packet with
 * `CRASH_MARKER`. Simulates a bug in native code that certain input triggers.
 */
import { CRASH_MARKER } from "./crash-marker.ts";

if (Bun.argv.includes("engine")) {
  const { CodecContext } = await import("node-av");
  const { sendPacket } = CodecContext.prototype;
  CodecContext.prototype.sendPacket = function (packet) {
    if (packet?.data?.includes(CRASH_MARKER)) process.kill(process.pid, "SIGSEGV");
    return sendPacket.call(this, packet);
  };
}
