/**
 * The run as a BYOC worker: one long stream, driven by a simulated orchestrator and gateway with all watchdogs. The engine is
 * killed, the path to the trickle server is cut for some seconds, and the input pauses.
 */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { startGoTrickle } from "../../tests/interop/trickle/go-peer.ts";
import { GatewayStandIn } from "../../tests/support/gateway.ts";
import { type InputKind, InputLoop } from "../../tests/support/gateway-input.ts";
import { api, enginePid } from "../../tests/support/live-stream.ts";
import { startNode, type TrickleAddress } from "../../tests/support/network-node.ts";
import { hostTrickle } from "../../tests/support/trickle-host.ts";

const MINUTE_MS = 60_000;
const OUTAGE_MS = 5000;
/** Time after a fault in which gaps are attributed to it. */
const RECOVERY_MS = 8000;

export interface ByocRunOptions {
  readonly lengthMs: number;
  readonly kind: InputKind;
  /** Which trickle server hosts the channels. */
  readonly server: "own" | "go";
}

/** Prints what was measured. True if no gateway would have given up and the output was sound outside the faults. */
export async function byocRun({ lengthMs, kind, server }: ByocRunOptions): Promise<boolean> {
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

  const reach = async (share: number, what: string): Promise<void> => {
    await Bun.sleep(Math.max(0, begun + share * lengthMs - performance.now()));
    console.log(
      `${seconds(performance.now() - begun)}: ${what}; ${output.segments} segments, ${watchdogs.firings.length} firings`,
    );
  };

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
  const isSound = watchdogs.firings.length === 0 && elsewhere === 0 && faults.length === 0;
  return isSound && output.joints <= stats.restarts;
}

function ownTrickle(): TrickleAddress & AsyncDisposable {
  const host = hostTrickle({ autoCreate: false });
  return {
    port: host.port,
    base: "/trickle",
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function ms(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "unknown" : `${milliseconds.toFixed(1)} ms`;
}
