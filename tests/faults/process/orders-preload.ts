/** Preloaded into server and engines: carries out the orders of orders.ts. */
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Order } from "./orders.ts";

const POLL_MS = 50;
// Engines get a few variables only; TMPDIR is one of them.
const folder = process.env["ORDERS_FOLDER"] ?? join(tmpdir(), "../orders");
const isEngine = Bun.argv.includes("engine");
let clockMs = 0;

followClock();
shortenLoadDeadline();
if (isEngine && isTaken("die-at-boot")) process.kill(process.pid, "SIGKILL");
if (isEngine && isTaken("hang-at-boot")) spin();
setInterval(poll, POLL_MS).unref();

function poll(): void {
  clockMs = Number(textOf("clock") ?? 0);
  if (isEngine && isTaken("spin")) spin();
  if (isEngine && isTaken("disconnect")) process.disconnect?.();
}

function shortenLoadDeadline(): void {
  const deadline = textOf("load-deadline");
  if (deadline === null) return;
  Bun.plugin({
    name: "load deadline",
    setup: (build) => {
      build.onLoad({ filter: /engine\/device\/devices\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, "utf8").replace("LOAD_MS = 120_000", `LOAD_MS = ${deadline}`),
        loader: "ts",
      }));
    },
  });
}

function spin(): never {
  while (true);
}

/** Null where there is no such order. */
function textOf(order: Order): string | null {
  try {
    return readFileSync(join(folder, order), "utf8");
  } catch {
    return null;
  }
}

/** True in the one process that carries it out. */
function isTaken(order: Order): boolean {
  try {
    rmSync(join(folder, order));
    return true;
  } catch {
    return false;
  }
}

/** `new Date()` and `Date.now()` follow the order; timers and `performance.now()` do not, as with a clock that is set. */
function followClock(): void {
  const real = Date;
  const now = () => real.now() + clockMs;
  globalThis.Date = new Proxy(real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
  });
}
