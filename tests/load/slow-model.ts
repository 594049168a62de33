/** Runs models that are slower than their input. */
import { writeCalibratedModel } from "../../scripts/bench/calibrated-model.ts";
import { readNumbers, sendNumbered } from "../../scripts/bench/glass-run.ts";
import { quantile } from "../../scripts/bench/report.ts";
import type { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { waitFor } from "../support/wait-for.ts";
import { type Load, ms, type Promised } from "./load.ts";
import type { Scene } from "./scene.ts";

const SIZE = { width: 256, height: 256 };
const FPS = 30;
const SECONDS = 10;
const MAX_AGE_MS = 500;
/** Decoding, encoding and the way through two trickle servers, on two cores that everybody shares. */
const OTHER_STEPS_MS = 200;
/** Frames that may be on their way when the counters are read. */
const UNDERWAY = 10;

interface Measured {
  readonly fps: number;
  /** Milliseconds of a run of the model. */
  readonly run: { readonly p50: number; readonly p99: number };
  /** From sender to viewer, in milliseconds, of every picture that was seen. */
  readonly ages: readonly number[];
  readonly in: number;
  readonly out: number;
  readonly dropped: number;
}

/** A model that takes about so long a frame, in two streams with input at 30 fps. */
export function slowModel(workspace: OnnxWorkspace, runMs: number): Load {
  const name = `slow-${runMs}`;
  return {
    name: `a model of ${runMs} ms a frame`,
    description: `two streams with input at ${FPS} fps share a model that takes about ${runMs} ms a frame, for ${SECONDS} s, with MAX_FRAME_AGE_MS=${MAX_AGE_MS}`,
    scene: { flags: ["--workspace", workspace.path, "--max-frame-age-ms", String(MAX_AGE_MS)] },
    async run(scene) {
      const measured = await Promise.all([1, 2].map((n) => throughModel(scene, name, n)));
      return measured.flatMap(promisesOf);
    },
  };
}

export async function prepareModels(workspace: OnnxWorkspace, times: readonly number[]) {
  for (const runMs of times)
    await writeCalibratedModel(workspace.path, `slow-${runMs}`, runMs, SIZE);
}

async function throughModel(
  { elsewhere, api }: Scene,
  model: string,
  n: number,
): Promise<Measured> {
  const [input, output] = [elsewhere.url(`in-${model}-${n}`), elsewhere.url(`out-${model}-${n}`)];
  const stop = new AbortController();
  const { signal } = stop;
  const drawnAt: number[] = [];
  const sending = sendNumbered(input, SIZE, Number.MAX_SAFE_INTEGER, { drawnAt, signal });
  sending.catch(() => {}); // it is stopped below
  const fields = { input_url: input, stream_url: output, model, marker: "input", ...SIZE };
  const id = await api.start({ ...fields, container: "mpegts" });
  const shownAt = new Map<number, number>();
  const reading = readNumbers(output, shownAt, signal).catch(() => null); // as above
  const ran = async () => (await api.stream(id)).stats.inference_ms.p50 > 0;
  await waitFor(`pictures of ${model}`, async () => shownAt.size > 10 && (await ran()), 60_000);
  const before = (await api.stream(id)).stats;
  const from = performance.now();
  await Bun.sleep(SECONDS * 1000);
  const { stats } = await api.stream(id);
  const seconds = (performance.now() - from) / 1000;
  await api.stop(id);
  stop.abort();
  await reading;
  const ages = [...shownAt]
    .filter(([, at]) => at > from)
    .map(([number, at]) => at - (drawnAt[number] ?? Number.NaN));
  const counted = (field: "frames_in" | "frames_out" | "frames_dropped") =>
    stats[field] - before[field];
  const [framesIn, out] = [counted("frames_in"), counted("frames_out")];
  const dropped = counted("frames_dropped");
  return { fps: out / seconds, run: stats.inference_ms, ages, in: framesIn, out, dropped };
}

function promisesOf(seen: Measured, n: number): Promised[] {
  const stream = `stream ${n + 1}`;
  const { run, ages } = seen;
  const p99 = quantile(ages, 0.99);
  const unaccounted = seen.in - seen.out - seen.dropped;
  return [
    {
      what: `${stream}: fps falls, and output goes on`,
      measured: `${seen.fps.toFixed(1)} fps out; a run takes p50 ${ms(run.p50)}, p99 ${ms(run.p99)}`,
      holds: seen.fps > 0.5,
    },
    {
      what: `${stream}: p99 from sender to viewer is at most MAX_FRAME_AGE_MS, p99 of a run and ${OTHER_STEPS_MS} ms`,
      measured: `p50 ${ms(quantile(ages, 0.5))}, p99 ${ms(p99)}`,
      holds: p99 <= MAX_AGE_MS + run.p99 + OTHER_STEPS_MS,
    },
    {
      what: `${stream}: every frame is counted as out or as dropped, but for up to ${UNDERWAY} on their way`,
      measured: `${seen.in} in, ${seen.out} out, ${seen.dropped} dropped`,
      holds: Math.abs(unaccounted) <= UNDERWAY,
    },
  ];
}
