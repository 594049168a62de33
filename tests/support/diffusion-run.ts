/** Runs a stream through a diffusion pipeline on a real server, changes what it draws again and again, and judges its output frame by frame. */
import { api } from "./live-stream.ts";
import { type DecodedFrame, OutputFrames } from "./output-frames.ts";
import { waitFor } from "./wait-for.ts";

export interface DiffusionRun {
  /** Of the server. */
  readonly url: string;
  readonly name: string;
  /** The body that starts the stream, without its channels. */
  readonly body: object;
  /** A channel that is being written to; null: drawn from noise. */
  readonly inputUrl: string | null;
  readonly seconds: number;
  /** From one change to the next. */
  readonly everySeconds: number;
  /** Made in turn, over and over; `fields` is what is posted. */
  readonly changes: readonly Change[];
}

export interface Change {
  readonly what: string;
  readonly fields: object;
}

export interface SeenChange {
  readonly what: string;
  /** Frames that came out after the change was accepted and before the first that shows it; null: none shows it. */
  readonly after: number | null;
  /** Mean difference of the picture from the one before the change, in levels of luma. */
  readonly difference: number;
}

export interface DiffusionReport {
  readonly name: string;
  readonly framesIn: number;
  readonly framesDropped: number;
  readonly framesOut: number;
  /** Frames in the output as FFmpeg decodes it. */
  readonly framesDecoded: number;
  readonly inferenceMs: { readonly p50: number; readonly p99: number };
  /** Frames that are missing in the output by its timestamps. */
  readonly missing: number;
  /** The longest time from one frame to the next, in seconds of media. */
  readonly longestGap: number;
  /** Timestamps that do not rise. */
  readonly backward: number;
  readonly changes: readonly SeenChange[];
  /** How often a change would have been seen where there was none. */
  readonly seenWithoutChange: number;
  /** What the server reported as wrong. */
  readonly error: string | null;
  readonly segments: readonly Uint8Array[];
}

/** A picture that differs this much more than the ones before the change do among themselves shows the change. */
const MARGIN = 1.5;
/** Frames after a change, however slow the machine: a prompt takes eight to come over, and those before the next change tell as much. */
const LEAST_FRAMES = 18;
/** Frames before a change that tell how much the picture changes by itself. */
const BEFORE = 8;

export async function runDiffusion(run: DiffusionRun): Promise<DiffusionReport> {
  const { start, stop, stream, params } = api(run.url);
  const stream_url = `${run.url}/trickle/${run.name}`;
  const input = run.inputUrl === null ? {} : { input_url: run.inputUrl };
  const id = await start({ ...run.body, ...input, stream_url });
  using output = new OutputFrames(stream_url);
  const isDrawn = async () => (await stream(id)).stats.inference_ms.p50 > 0;
  await waitFor(`the first pictures of ${run.name}`, isDrawn, 60_000);

  const made: { readonly what: string; readonly at: number }[] = [];
  const untilNext = async (): Promise<void> => {
    const since = made.at(-1)?.at ?? output.count;
    await Bun.sleep(run.everySeconds * 1000);
    const isShown = () => output.count >= since + LEAST_FRAMES;
    await waitFor(`the frames of ${run.name} after a change`, isShown, 60_000);
  };
  const count = Math.ceil(run.seconds / run.everySeconds) - 1;
  for (let n = 0; n < count; n++) {
    await untilNext();
    const change = run.changes[n % run.changes.length] as Change;
    await params(id, change.fields);
    made.push({ what: change.what, at: output.count });
  }
  await untilNext();
  const { error } = await stream(id);
  await stop(id);
  await output.ended;
  const { stats } = await stream(id);
  const frames = await output.decode();
  const everyFrames = Math.round(frames.length / (count + 1));
  return {
    name: run.name,
    framesIn: stats.frames_in,
    framesDropped: stats.frames_dropped,
    framesOut: stats.frames_out,
    framesDecoded: frames.length,
    inferenceMs: stats.inference_ms,
    ...gapsOf(frames),
    changes: made.map(({ what, at }, n) => ({
      what,
      ...shownFrom(frames, at, (made[n + 1]?.at ?? frames.length) - 1),
    })),
    seenWithoutChange: made.filter(({ at }) => {
      const middle = at - Math.round(everyFrames / 3);
      return shownFrom(frames, middle, middle + BEFORE).after !== null;
    }).length,
    error: error?.message ?? null,
    segments: output.segments,
  };
}

function gapsOf(frames: readonly DecodedFrame[]) {
  const steps = frames.slice(1).map(({ pts }, at) => pts - (frames[at]?.pts ?? 0));
  const interval = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 1;
  return {
    missing: steps.reduce((sum, step) => sum + Math.max(0, Math.round(step / interval) - 1), 0),
    longestGap: Math.max(0, ...steps) / 90_000,
    backward: steps.filter((step) => step <= 0).length,
  };
}

/** The first frame from `at` to `until` that differs from the one before `at` as no frame shortly before it does. */
function shownFrom(
  frames: readonly DecodedFrame[],
  at: number,
  until: number,
): { readonly after: number | null; readonly difference: number } {
  const last = frames[at - 1];
  if (last === undefined) return { after: null, difference: 0 };
  const usual = frames
    .slice(Math.max(0, at - 1 - BEFORE), at - 1)
    .map((frame) => differenceOf(frame, last));
  const limit = MARGIN * Math.max(1, ...usual);
  const later = frames.slice(at, until).map((frame) => differenceOf(frame, last));
  const first = later.findIndex((difference) => difference > limit);
  const settled = later.at(-1) ?? 0;
  return { after: first < 0 ? null : first, difference: settled };
}

function differenceOf(a: DecodedFrame, b: DecodedFrame): number {
  let sum = 0;
  for (const [at, value] of a.luma.entries()) sum += Math.abs(value - (b.luma[at] ?? 0));
  return sum / a.luma.length;
}
