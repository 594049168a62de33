/** One run of the latency benchmark: a clip at 30 frames a second in and out through trickle. */

import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { accessUnits, CLIP_FPS, type Clip } from "./clip.ts";
import { type FragmentTimes, readFragmentTimes } from "./fragment-times.ts";
import { openPacedPublisher } from "./paced-publisher.ts";
import { cpuSeconds } from "./processes.ts";
import type { ProductServer, StreamFigures } from "./product-server.ts";
import { readChannel } from "./read-channel.ts";

/** Frames left out at the start (1.5 s), which pass untouched while the model loads. */
const WARM_UP_FRAMES = 45;
const FLOOR_FRAMES = 150;
const TICKS_PER_FRAME = 90_000 / CLIP_FPS;

/** The result of one stream of the clip's length. */
export interface StreamRun {
  /** Of every frame that came out, except for the warm-up. */
  readonly latencyMs: readonly number[];
  /** Of frames whose end can be seen in their own TS packets. */
  readonly shownMs: readonly number[];
  readonly lost: number;
  readonly figures: StreamFigures;
  readonly serverCpu: number;
  readonly engineCpu: number;
}

/** Plays the clip through a model, then stops the stream. */
export async function runStream(
  clip: Clip,
  server: ProductServer,
  model: string,
  round: number,
): Promise<StreamRun> {
  const [input, output] = [`in-${model}-${round}`, `out-${model}-${round}`].map(server.channel);
  if (!input || !output) throw new Error("unreachable");
  const units = await accessUnits(clip);
  await using publisher = await openPacedPublisher(input);
  const id = await server.startStream({
    prompts: [{ prompt: "bench" }],
    model,
    input_url: input,
    stream_url: output,
  });
  const times: FragmentTimes = new Map();
  const stop = new AbortController();
  const reading = readFragmentTimes(output, times, stop.signal);
  const cpu = () => [server.pid, server.enginePid].map(cpuSeconds);
  const before = cpu();
  const sent = await publisher.play(units);
  const after = cpu();
  await Bun.sleep(1000); // lets frames in flight arrive
  const figures = await server.figures(id);
  await server.stopStream(id);
  stop.abort();
  await reading;
  const seconds = clip.ends.length / CLIP_FPS;
  const [serverCpu = 0, engineCpu = 0] = after.map(
    (end, at) => (end - (before[at] ?? 0)) / seconds,
  );
  // The end of the last frame is known only when its segment ends.
  const measured = sent.slice(WARM_UP_FRAMES, -1);
  const hidden = hiddenEnds(units);
  const run = { latencyMs: [] as number[], shownMs: [] as number[], lost: 0 };
  for (const [at, begun] of measured.entries()) {
    const frame = WARM_UP_FRAMES + at;
    const received = times.get(frame * TICKS_PER_FRAME);
    if (received === undefined) run.lost++;
    else run.latencyMs.push(received - begun);
    if (received !== undefined && !hidden.has(frame)) run.shownMs.push(received - begun);
  }
  return { ...run, figures, serverCpu, engineCpu };
}

/** Control: the same bytes at the same pace through the same server, without an engine. */
export async function noiseFloor(
  clip: Clip,
  server: ProductServer,
  name: string,
): Promise<number[]> {
  const url = server.channel(name);
  const units = await accessUnits(clip);
  await using publisher = await openPacedPublisher(url);
  const stop = new AbortController();
  const received: number[] = [];
  let bytes = 0;
  const reading = readChannel(url, stop.signal, ({ data, arrivedAt }) => {
    bytes += data.length;
    while ((clip.ends[received.length] ?? Number.POSITIVE_INFINITY) <= bytes) {
      received.push(arrivedAt);
    }
  });
  const sent = await publisher.play(units.slice(0, FLOOR_FRAMES));
  await Bun.sleep(200);
  stop.abort();
  await reading;
  return received.map((at, frame) => at - (sent[frame] ?? Number.NaN));
}

/** Frames that exactly fill their last TS packet: only the next frame's start shows their end. */
function hiddenEnds(units: readonly Uint8Array[]): ReadonlySet<number> {
  const demuxer = new TsDemuxer();
  const hidden = new Set<number>();
  let seen = 0;
  for (const [frame, unit] of units.entries()) {
    seen += demuxer.push(unit, 0).length;
    if (seen <= frame) hidden.add(frame);
  }
  return hidden;
}
