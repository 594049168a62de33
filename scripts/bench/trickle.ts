/** Benchmark `trickle`: 20 KB chunks from publisher to subscriber through the embedded trickle server, go-livepeer's, and bare sockets. */
import { join } from "node:path";
import { reason } from "../../src/errors.ts";
import { startGoTrickle } from "../../tests/interop/trickle/go-peer.ts";
import type { Benchmark } from "./benchmark.ts";
import { startServing } from "./processes.ts";
import { startProduct } from "./product-server.ts";
import { runTrickle, type TrickleJob, type TrickleRun } from "./trickle-load.ts";
import { failureOf, JUDGED, SIDES, type Side, trickleRows } from "./trickle-rows.ts";

/** 96 is what the embedded server grants to all programs but its own engine. */
const CHANNELS = [1, 2, 4, 8, 16, 32, 50, 64, 96, 128, 256, 512];
/** Of those that are judged; all others are measured once. */
const ROUNDS = 3;

interface Servers extends AsyncDisposable {
  readonly jobs: Readonly<Partial<Record<Side, Pick<TrickleJob, "over" | "base" | "pid">>>>;
  /** Why go-livepeer's server is not among them; null if it is. */
  readonly goAbsent: string | null;
}

export const trickle: Benchmark = async ({ quick, log }) => {
  await using servers = await startServers();
  const runs: Record<Side, Map<number, TrickleRun[]>> = {
    product: new Map(),
    go: new Map(),
    raw: new Map(),
  };
  const duration = quick ? { warmUpSeconds: 1, seconds: 1 } : { warmUpSeconds: 2, seconds: 8 };
  const measure = async (channels: number, sides: readonly Side[]): Promise<void> => {
    log(`${channels} channels`);
    for (const side of sides) {
      const job = servers.jobs[side];
      if (!job || [...runs[side]].some(([n, of]) => n < channels && failureOf(of) !== null))
        continue;
      const run = await runTrickle({ ...job, ...duration, channels });
      runs[side].set(channels, [...(runs[side].get(channels) ?? []), run]);
    }
  };
  if (!quick) {
    // Compiles what is not compiled yet.
    await measure(8, SIDES);
    for (const side of SIDES) runs[side].clear();
  }
  for (const channels of quick ? [1] : CHANNELS) await measure(channels, SIDES);
  for (let round = 2; round <= (quick ? 1 : ROUNDS); round++)
    // From either end in turn, so that none always follows the same one.
    for (const channels of JUDGED)
      await measure(channels, round % 2 === 0 ? SIDES.toReversed() : SIDES);
  return trickleRows({ runs, goAbsent: servers.goAbsent });
};

async function startServers(): Promise<Servers> {
  await using started = new AsyncDisposableStack();
  const product = started.use(await startProduct());
  const script = join(import.meta.dir, "raw-relay.ts");
  const relay = started.use(await startServing([process.execPath, script]));
  const go = await startGoTrickle().catch(reason);
  if (typeof go !== "string") started.use(go);
  const owned = started.move();
  return {
    jobs: {
      product: { over: "trickle", base: `${product.url}/trickle`, pid: product.pid },
      raw: { over: "sockets", base: relay.url, pid: relay.pid },
      ...(typeof go === "string"
        ? {}
        : { go: { over: "trickle", base: `http://127.0.0.1:${go.port}`, pid: go.pid } }),
    },
    goAbsent: typeof go === "string" ? go : null,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
