/** One run of the frame budget: a clip at 30 frames a second through a server, with CPU time by thread, and what a probe says. */
import { rm } from "node:fs/promises";
import { accessUnits, CLIP_FPS, type Clip } from "../clip.ts";
import { type FragmentTimes, readFragmentTimes } from "../fragment-times.ts";
import { openPacedPublisher } from "../paced-publisher.ts";
import type { ProductServer } from "../product-server.ts";
import { type ProbeReport, WARM_UP_FRAMES } from "./probe-report.ts";
import { type CpuByKind, cpuByKind, cpuShares, processStat } from "./thread-cpu.ts";

const PROBE_MS = 5000;

/** Figures of the time after the warm-up. */
export interface BudgetRun {
  /** CPU seconds a second. */
  readonly server: CpuByKind;
  readonly engine: CpuByKind;
  /** Page faults of the engine for each frame. */
  readonly faults: number;
}

/** Plays a clip through the model `identity`, in its own size. `name` must be new to the server. */
export async function playThrough(
  clip: Clip,
  server: ProductServer,
  name: string,
): Promise<BudgetRun> {
  const [input, output] = [server.channel(`in-${name}`), server.channel(`out-${name}`)];
  const units = await accessUnits(clip);
  await using publisher = await openPacedPublisher(input);
  const id = await server.startStream({
    prompts: [{ prompt: "bench" }],
    model: "identity",
    width: clip.width,
    height: clip.height,
    input_url: input,
    stream_url: output,
  });
  const stop = new AbortController();
  const times: FragmentTimes = new Map();
  const reading = readFragmentTimes(output, times, stop.signal);
  await publisher.play(units.slice(0, WARM_UP_FRAMES));
  const before = readCounts(server);
  await publisher.play(units.slice(WARM_UP_FRAMES));
  const after = readCounts(server);
  await server.stopStream(id);
  stop.abort();
  await reading;
  const frames = units.length - WARM_UP_FRAMES;
  const seconds = frames / CLIP_FPS;
  return {
    server: cpuShares(before.server, after.server, seconds),
    engine: cpuShares(before.engine, after.engine, seconds),
    faults: (after.faults - before.faults) / frames,
  };
}

const readCounts = ({ pid, enginePid }: ProductServer) => ({
  server: cpuByKind(pid),
  engine: cpuByKind(enginePid),
  faults: processStat(enginePid).pageFaults,
});

/** Takes what the probe has written once its stream has ended. */
export async function takeProbeReport(path: string): Promise<ProbeReport> {
  const deadline = performance.now() + PROBE_MS;
  while (performance.now() < deadline) {
    const text = await Bun.file(path)
      .text()
      .catch(() => ""); // it is not there yet
    if (text.endsWith("}")) {
      await rm(path);
      return JSON.parse(text) as ProbeReport;
    }
    await Bun.sleep(20);
  }
  throw new Error(`the engine has not written ${path} ${PROBE_MS / 1000} s after its stream ended`);
}
