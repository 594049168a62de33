/** Leaks what its parent asks for, one thing a message, for the test of the census. */
import { mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Frame } from "../../../src/engine/codec/libav.ts";

const open = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
const silent = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise(() => {}) });
const leaked: unknown[] = [];

const LEAKS = {
  timer: () => setInterval(() => {}, 60_000),
  frame: () => {
    const frame = new Frame();
    frame.alloc();
    return frame;
  },
  socket: () => Bun.connect({ hostname: "127.0.0.1", port: open.port, socket: { data() {} } }),
  request: () => void fetch(silent.url).catch(() => {}), // it never ends
  child: () => {
    const child = Bun.spawn(["sleep", "60"]);
    process.on("exit", () => child.kill("SIGKILL"));
    return child;
  },
  "temporary folder": () => mkdtempSync(join(tmpdir(), "leak-")),
  "open file": () => openSync("/proc/self/status", "r"),
  thread: () => new Worker("data:text/javascript,setInterval(() => {}, 60000)"),
  streams: () => Array.from({ length: 20 }, () => new ReadableStream()),
} as const;

process.on("message", async (name: keyof typeof LEAKS) => {
  leaked.push(await LEAKS[name]());
  process.send?.(name);
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
