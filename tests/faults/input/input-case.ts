/** Runs one stream through a fault of input that soon passes, and reports what its output has that a player would stumble over. */
import { decodeMedia, type ReadMedia, readMedia } from "../../support/clip-reader.ts";
import { collect } from "../../support/live-stream.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Worker } from "../rig/worker.ts";
import { ClipFeed } from "./clip-feed.ts";
import type { InputFault } from "./input-fault.ts";
import type { InputContainer } from "./input-feed.ts";

/** Sound and pictures of a segment end at most this far apart: its last audio packets may go into the next. */
const MAX_DRIFT_TICKS = 0.7 * 90_000;
/** A stream that loses more of its frames is on a machine that is busy: its sound goes on alone. */
const MIN_SHARE = 0.7;
/** Long enough for a segment. */
const LASTS_MS = 800;
const SEGMENT_MS = 20_000;
const SIZE = { width: 128, height: 72 };

export interface InputCase {
  readonly worker: Worker;
  readonly media: ReadMedia;
  readonly container: InputContainer;
  readonly fault: InputFault;
}

let cases = 0;

/** What is wrong with the stream or its output, in words; empty if all holds. */
export async function inputProblems({ worker, media, container, fault }: InputCase) {
  const name = `input-case-${++cases}`;
  await using feed = await ClipFeed.open({ url: worker.channel(`${name}-in`), container, media });
  const channels = { input_url: feed.url, stream_url: worker.channel(name) };
  const id = await worker.api.start({ ...channels, ...SIZE, model: "identity" });
  const stop = new AbortController();
  const output = collect(worker.channel(name), stop.signal);
  output.ended.catch(() => {}); // the stream is asked
  const isAlive = async (): Promise<true> => {
    const { status, error, stats } = await worker.api.stream(id);
    if (status !== "active") throw new Error(`the stream is ${status}: ${error}`);
    if (stats.restarts > 0) throw new Error(`its engine died ${stats.restarts} times`);
    return true;
  };
  const framesOut = async () => (await worker.api.stream(id)).stats.frames_out;
  const problems: string[] = [];
  let maxDrift = Number.POSITIVE_INFINITY;
  try {
    await waitFor("output before the fault", () => output.segments.length > 0, SEGMENT_MS);
    const lift = await fault.inject({ input: feed });
    const until = performance.now() + LASTS_MS;
    await waitFor("the fault to last", async () => (await isAlive()) && performance.now() > until);
    await lift();
    const before = await framesOut();
    await waitFor("output", async () => (await isAlive()) && (await framesOut()) > before);
    const count = output.segments.length;
    const hasMore = async () => (await isAlive()) && output.segments.length > count;
    await waitFor("a segment after the fault", hasMore, SEGMENT_MS);
    const { error, stats } = await worker.api.stream(id);
    const isStarved = stats.fps_out < MIN_SHARE * stats.fps_in;
    if (error && !isStarved) problems.push(`it is still in trouble: ${error}`);
    if (!isStarved) maxDrift = MAX_DRIFT_TICKS;
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  await worker.api.stop(id).catch((error: Error) => problems.push(error.message));
  stop.abort();
  const sent = output.segments.filter(({ complete }) => complete).map(({ bytes }) => bytes);
  return [...problems, ...(await unplayable(sent, maxDrift))];
}

/** What a player would stumble over. */
async function unplayable(segments: readonly Uint8Array[], maxDrift: number): Promise<string[]> {
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
