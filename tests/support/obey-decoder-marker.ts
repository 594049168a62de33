/**
 * Preloaded into an engine (`BUN_OPTIONS=--preload=…`), crashes or hangs when the decoder gets a packet with a marker.
 * Simulates bugs in native code that certain input triggers.
 */
import { DECODER_MARKERS } from "./decoder-marker.ts";

if (Bun.argv.includes("engine")) {
  const { CodecContext } = await import("node-av");
  const { sendPacket } = CodecContext.prototype;
  CodecContext.prototype.sendPacket = function (packet) {
    if (packet?.data?.includes(DECODER_MARKERS.crash)) process.kill(process.pid, "SIGSEGV");
    if (packet?.data?.includes(DECODER_MARKERS.hang)) return new Promise<never>(() => {});
    return sendPacket.call(this, packet);
  };
}
