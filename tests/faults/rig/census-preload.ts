/**
 * Preloaded into server and engines (`BUN_OPTIONS=--preload=…`), answers SIGUSR2 with what the process holds after a full
 * garbage collection: counts by what it is and where it was made, as JSON in a file of CENSUS_FOLDER, and all objects of the heap
 * by their types in another.
 */

import { heapStats } from "bun:jsc";
import { renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../../..");

/** Objects of the runtime that hold something outside the heap, by the names that JavaScriptCore gives them. */
const RESOURCES = [
  "AbortController",
  "FileSink",
  "Listener",
  "MessagePort",
  "ReadableStream",
  "Request",
  "Response",
  "Subprocess",
  "TCPSocket",
  "TLSSocket",
  "TransformStream",
  "WebSocket",
  "Worker",
  "WritableStream",
];

interface Holding {
  readonly what: string;
  /** Made where the holding was; its stack names the place. */
  readonly origin: Error;
}

/** Holdings that end by a call. */
const held = new Map<object, Holding>();
/** Timers, which know themselves whether they are over. */
const timers = new Map<NodeJS.Timeout, Holding>();
let pruneAt = 1000;

watchTimers();
watchFetches();
if (Bun.argv.includes("engine")) await watchNativeMedia();
process.on("SIGUSR2", () => void answer());

async function answer(): Promise<void> {
  pruneTimers(); // their origins are garbage then
  Bun.gc(true);
  // What finalizers of the first collection let go, such as pieces of bodies, is garbage of the next one.
  await new Promise((resolve) => setImmediate(resolve));
  Bun.gc(true);
  const counts: Record<string, number> = {};
  const add = (key: string, n = 1) => {
    counts[key] = (counts[key] ?? 0) + n;
  };
  for (const { what, origin } of [...held.values(), ...timers.values()])
    add(`${what} made at ${placeOf(origin)}`);
  const { objectTypeCounts, heapSize, extraMemorySize } = heapStats();
  for (const type of RESOURCES) add(`${type} objects`, objectTypeCounts[type] ?? 0);
  // An engine inherits TMPDIR alone: see `Worker`.
  const folder = process.env["CENSUS_FOLDER"] ?? join(tmpdir(), "../censuses");
  const path = join(folder, `${process.pid}.json`);
  const heap = { bytes: heapSize + extraMemorySize, objects: objectTypeCounts };
  writeFileSync(join(folder, `${process.pid}.heap.json`), JSON.stringify(heap));
  writeFileSync(`${path}.part`, JSON.stringify(counts));
  renameSync(`${path}.part`, path);
}

/** The product's own line that made it, or the first that is not of this file. */
function placeOf({ stack = "" }: Error): string {
  const places = [...stack.matchAll(/(\/[^\s():]+):(\d+)/g)]
    .filter(([, path]) => path !== import.meta.path)
    .map(([, path = "", line]) => `${relative(ROOT, path)}:${line}`);
  return places.find((place) => !place.includes("node_modules")) ?? places[0] ?? "unknown";
}

function watchTimers(): void {
  const wrapped = <Run extends typeof setTimeout | typeof setInterval>(what: string, run: Run) =>
    Object.assign((...args: Parameters<Run>) => {
      const timer = Reflect.apply(run, globalThis, args) as NodeJS.Timeout;
      timers.set(timer, { what, origin: new Error() });
      if (timers.size > pruneAt) {
        pruneTimers();
        pruneAt = Math.max(1000, timers.size * 2);
      }
      return timer;
    }, run);
  globalThis.setTimeout = wrapped("timeout", setTimeout);
  globalThis.setInterval = wrapped("interval", setInterval);
}

function pruneTimers(): void {
  for (const timer of timers.keys())
    if ("_destroyed" in timer && timer._destroyed === true) timers.delete(timer);
}

/** Until the answer's head has arrived. */
function watchFetches(): void {
  const native = globalThis.fetch;
  const counted = (...args: Parameters<typeof fetch>): Promise<Response> => {
    const answered = native(...args);
    held.set(answered, { what: "fetch", origin: new Error() });
    const over = () => void held.delete(answered);
    answered.then(over, over);
    return answered;
  };
  globalThis.fetch = Object.assign(counted, native);
}

/** What FFmpeg allocates and its caller must free. */
async function watchNativeMedia(): Promise<void> {
  const av = await import("node-av");
  for (const [what, type, allocate, free] of [
    ["AVFrame", av.Frame, "alloc", "free"],
    ["AVPacket", av.Packet, "alloc", "free"],
    ["AVCodecContext", av.CodecContext, "allocContext3", "freeContext"],
    ["AVFilterGraph", av.FilterGraph, "alloc", "free"],
    ["SwrContext", av.SoftwareResampleContext, "alloc", "free"],
  ] as const) {
    const prototype: Record<string | symbol, (...args: unknown[]) => unknown> =
      Object(type).prototype;
    const hold = (one: object) => held.set(one, { what, origin: new Error() });
    watch(prototype, allocate, (self) => hold(self));
    watch(prototype, "clone", (_self, made) => {
      if (typeof made === "object" && made !== null) hold(made);
    });
    for (const end of [free, Symbol.dispose]) watch(prototype, end, (self) => held.delete(self));
  }
}

/** Calls `after` with the object and the result of a method, where the type has it. */
function watch(
  prototype: Record<string | symbol, (...args: unknown[]) => unknown>,
  name: string | symbol,
  after: (self: object, result: unknown) => void,
): void {
  const method = prototype[name];
  if (method === undefined) return;
  prototype[name] = function (this: object, ...args: unknown[]) {
    const result = method.apply(this, args);
    after(this, result);
    return result;
  };
}
