/** Runs one stream through one fault of input, and looks at what it sent: when output came back, and whether it can be played. */

import { decodeMedia, type ReadMedia, readMedia } from "../../support/clip-reader.ts";
import { collect } from "../../support/live-stream.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Worker } from "../rig/worker.ts";
import { ClipFeed } from "./clip-feed.ts";
import type { InputFault } from "./input-fault.ts";
import type { InputContainer } from "./input-feed.ts";

/** Sound and pictures of a segment end at most this far apart: its last audio packets may go into the next. */
const MAX_DRIFT_TICKS = 0.7 * 90_000;
/** Segments of output before the fault, and after it. */
const SEGMENTS = 3;
/** A stream that loses more of its frames is on a machine that is busy: its sound goes on alone. */
const MIN_SHARE = 0.7;

export interface InputOutcome {
  readonly fault: string;
  readonly container: InputContainer;
  /** From the moment the fault was lifted to the next picture sent. */
  readonly pauseMs: number;
  /** What the stream's status said of the fault. */
  readonly troubles: readonly string[];
  /** What is wrong with the stream or its output; empty if all holds. */
  readonly problems: readonly string[];
}

export interface InputCaseOptions {
  readonly worker: Worker;
  readonly media: ReadMedia;
  readonly container: InputContainer;
  readonly fault: InputFault;
  /** Fields of the start beyond the channels. */
  readonly params?: object;
  /** Default: as long as the fault says. */
  readonly lastsMs?: number;
  /** Segments of output before the fault, and after it; default 3. */
  readonly segments?: number;
}

let cases = 0;

export async function runInputCase(options: InputCaseOptions): Promise<InputOutcome> {
  const { worker, media, container, fault, segments = SEGMENTS } = options;
  const { lastsMs = fault.lastsMs } = options;
  const name = `input-case-${++cases}`;
  await using feed = await ClipFeed.open({ url: worker.channel(`${name}-in`), container, media });
  const id = await worker.api.start({
    ...{ input_url: feed.url, stream_url: worker.channel(name), model: "identity" },
    ...options.params,
  });
  const stop = new AbortController();
  const output = collect(worker.channel(name), stop.signal);
  output.ended.catch(() => {}); // the stream is asked
  const problems: string[] = [];
  const troubles = new Set<string>();
  const look = async (): Promise<void> => {
    const { status, error, stats } = await worker.api.stream(id);
    if (error) troubles.add(error);
    if (status !== "active") throw new Error(`the stream is ${status}: ${error}`);
    if (stats.restarts > 0) throw new Error(`its engine died ${stats.restarts} times`);
  };
  let pauseMs = Number.NaN;
  let maxDrift = Number.POSITIVE_INFINITY;
  try {
    await waitFor("output before the fault", () => output.segments.length >= segments, 20_000);
    const lift = await fault.inject({ input: feed });
    const until = performance.now() + lastsMs;
    await waitFor(
      "the fault to last",
      async () => {
        await look();
        return performance.now() > until;
      },
      lastsMs + 10_000,
    );
    await lift();
    const lifted = performance.now();
    const { frames_out: before } = (await worker.api.stream(id)).stats;
    await waitFor("output after the fault", async () => {
      await look();
      return (await worker.api.stream(id)).stats.frames_out > before;
    });
    pauseMs = Math.round(performance.now() - lifted);
    const count = output.segments.length;
    await waitFor(
      "segments after the fault",
      async () => {
        await look();
        return output.segments.length >= count + segments;
      },
      20_000,
    );
    const { error, stats } = await worker.api.stream(id);
    const isStarved = stats.fps_out < MIN_SHARE * stats.fps_in;
    if (error && !isStarved) problems.push(`it is still in trouble: ${error}`);
    maxDrift = isStarved ? Number.POSITIVE_INFINITY : MAX_DRIFT_TICKS;
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  await worker.api.stop(id).catch((error: Error) => problems.push(error.message));
  stop.abort();
  const sent = output.segments.filter(({ complete }) => complete).map(({ bytes }) => bytes);
  problems.push(...(await problemsOf(sent, maxDrift)));
  return { fault: fault.name, container, pauseMs, troubles: [...troubles], problems };
}

/** What a player would stumble over. */
async function problemsOf(segments: readonly Uint8Array[], maxDrift: number): Promise<string[]> {
  const problems: string[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const [index, bytes] of segments.entries()) {
    const { video, audio } = await decodeMedia(bytes).catch(async ({ message }: Error) => {
      // Damaged sound is copied as it is: players leave it out.
      if (!/decode (aac|opus)/.test(message)) problems.push(`segment ${index}: ${message}`);
      return await readMedia(bytes);
    });
    for (const { pts } of video?.packets ?? []) {
      if (pts <= last) problems.push(`segment ${index}: time ${pts} after ${last}`);
      last = pts;
    }
    if (video?.frames.some(({ corrupt }) => corrupt)) problems.push(`segment ${index} is damaged`);
    const isLast = index >= segments.length - 2;
    const drift = (audio?.packets.at(-1)?.pts ?? last) - last;
    if (isLast && Math.abs(drift) > maxDrift)
      problems.push(
        `segment ${index}: sound is ${Math.round(drift / 90)} ms away from the pictures`,
      );
  }
  return problems;
}
