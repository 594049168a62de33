/**
 * `bun run network-run [--minutes 10] [--input whip|rtmp] [--trickle own|go]`: one long stream of the real server,
 * driven by a simulated orchestrator and gateway with all watchdogs. During the run the engine is killed, the path to the
 * trickle server is cut for some seconds, and the input pauses. Prints a table; exits with 1 if a gateway would have given
 * up, or if the output was broken outside these faults.
 */
import { parseArgs } from "node:util";
import { quietLibav } from "../src/engine/codec/libav.ts";
import { startGoTrickle } from "../tests/interop/trickle/go-peer.ts";
import { GatewayStandIn } from "../tests/support/gateway.ts";
import { InputLoop } from "../tests/support/gateway-input.ts";
import { api, enginePid } from "../tests/support/live-stream.ts";
import { startNode, type TrickleAddress } from "../tests/support/network-node.ts";
import { hostTrickle } from "../tests/support/trickle-host.ts";

const MINUTE_MS = 60_000;
const OUTAGE_MS = 5000;
/** Time after a fault in which gaps are attributed to it. */
const RECOVERY_MS = 8000;
const USAGE = "usage: bun run network-run [--minutes 10] [--input whip|rtmp] [--trickle own|go]";

const { lengthMs, kind, server } = asked();
const pauseMs = Math.min(2 * MINUTE_MS, lengthMs / 5);

quietLibav(); // incomplete segments are read, too
const input = await InputLoop.make(kind);
await using trickle = server === "go" ? await startGoTrickle() : ownTrickle();
await using node = await startNode(trickle);
await using gateway = await GatewayStandIn.start({
  streams: node.streams,
  id: "network-run",
  flags: { ingress: true, egress: true, data: true },
  params: { model: "identity" }, // keeps the claps visible in the pictures
  input,
});
const { output, watchdogs } = gateway;
const begun = performance.now();

await reach(0.2, "the engine is killed");
process.kill(await enginePid(node.worker.url), "SIGKILL");

await reach(0.35, `the trickle server is out of reach for ${seconds(OUTAGE_MS)}`);
const breaksBefore = output.breaks.length;
await node.path.cut();
await Bun.sleep(OUTAGE_MS);
await node.path.mend();
await Bun.sleep(RECOVERY_MS);
const outageBreaks = output.breaks.length - breaksBefore;

await reach(0.5, `the input pauses for ${seconds(pauseMs)}`);
gateway.pauseInput();
await Bun.sleep(pauseMs);
gateway.resumeInput();
console.log(`${seconds(performance.now() - begun)}: the input resumes`);

await reach(1, "the end");
const { stats } = await api(node.worker.url).stream(gateway.id);
const stopped = await gateway.stop();

const delays = output.soundDelays.map((delay) => Math.abs(delay) * 1000).sort((a, b) => a - b);
const elsewhere = output.breaks.length - outageBreaks;
const faults = [...gateway.faults, ...output.faults];
const rows: readonly (readonly [string, string])[] = [
  ["watchdog firings", String(watchdogs.firings.length)],
  ["start answered after", `${gateway.startAnswer.tookMs.toFixed(0)} ms`],
  ["stop answered after", `${stopped.tookMs.toFixed(0)} ms`],
  ["longest gap between events", seconds(watchdogs.longestEventGapMs)],
  ["longest gap between output segments", seconds(watchdogs.longestOutputGapMs)],
  ["status missing after the wipe", seconds(gateway.status.longestMissingMs)],
  [
    "frames sent / in / dropped / out",
    [gateway.framesSent, stats.frames_in, stats.frames_dropped, stats.frames_out].join(" / "),
  ],
  ["frames and sound packets read", `${output.frames}, ${output.audioPackets}`],
  ["segments read, cut off or missed", `${output.segments}, ${output.missing.length}`],
  ["engine restarts, marked joints", `${stats.restarts}, ${output.joints}`],
  ["counter breaks at the outage, elsewhere", `${outageBreaks}, ${elsewhere}`],
  [
    "sound against picture, median and worst",
    `${ms(delays[delays.length >> 1])}, ${ms(delays.at(-1))} (${delays.length} claps)`,
  ],
  ["faults of output and events", String(faults.length)],
];
for (const [what, figure] of rows) console.log(`${what.padEnd(42)} ${figure}`);
for (const { watchdog, at, reason } of watchdogs.firings)
  console.log(`FIRED ${watchdog} after ${seconds(at - begun)}: ${reason}`);
for (const fault of [...faults, ...output.breaks, ...output.missing].slice(0, 20))
  console.log(`  ${fault}`);
const sound = watchdogs.firings.length === 0 && elsewhere === 0 && faults.length === 0;
process.exitCode = sound && output.joints <= stats.restarts ? 0 : 1;

function asked(): { lengthMs: number; kind: "whip" | "rtmp"; server: "own" | "go" } {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "10" },
        input: { type: "string", default: "whip" },
        trickle: { type: "string", default: "own" },
      },
    });
    const { minutes, input: kind, trickle: server } = values;
    if (!(Number(minutes) >= 0.5)) throw new Error(`--minutes must be 0.5 or more: ${minutes}`);
    if (kind !== "whip" && kind !== "rtmp")
      throw new Error(`--input must be whip or rtmp: ${kind}`);
    if (server !== "own" && server !== "go")
      throw new Error(`--trickle must be own or go: ${server}`);
    return { lengthMs: Number(minutes) * MINUTE_MS, kind, server };
  } catch (error) {
    console.error(`network-run: ${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

function ownTrickle(): TrickleAddress & AsyncDisposable {
  const host = hostTrickle({ autoCreate: false });
  return {
    port: host.port,
    base: "/trickle",
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

async function reach(share: number, what: string): Promise<void> {
  await Bun.sleep(Math.max(0, begun + share * lengthMs - performance.now()));
  const { firings } = watchdogs;
  console.log(
    `${seconds(performance.now() - begun)}: ${what}; ${output.segments} segments, ${firings.length} firings`,
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function ms(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "unknown" : `${milliseconds.toFixed(1)} ms`;
}
