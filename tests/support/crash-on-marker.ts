/**
 * Preloaded into an engine (`BUN_OPTIONS=--preload=…`), makes its decoder end the process by SIGSEGV when a packet holds
 * `CRASH_MARKER`: a bug in native code, found by a picture.
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
