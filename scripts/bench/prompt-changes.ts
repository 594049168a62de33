/** Child process: a stream at the rate of its clip, whose prompt changes again and again. `bun prompt-changes.ts <job as JSON>` */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { PacedStream } from "./bench-stream.ts";
import { accessUnits, CLIP_FPS, type Clip } from "./clip.ts";
import { PipelineLoop } from "./pipeline-loop.ts";
import { runScript } from "./processes.ts";

export interface PromptChangesJob {
  readonly workspace: string;
  /** A folder of the workspace that holds a diffusion pipeline. */
  readonly model: string;
  /** A file that describes the clip, as `ClipFolder.describe` writes it. */
  readonly clip: string;
}

export interface PromptChanges {
  readonly framesIn: number;
  readonly framesOut: number;
  /** Frames dropped in the ten after each change, and in the ten after those. */
  readonly dropped: number;
  readonly droppedOtherwise: number;
  /** Device time of the frames of a change that took longest, each beyond the median of its neighbours, in ms. */
  readonly extraMs: readonly number[];
  /** The same of frames between two changes. */
  readonly otherExtraMs: readonly number[];
  /** One run of the text encoder alone. */
  readonly encodeMs: readonly number[];
}

/** Frames from one change to the next: more than twice as many as a prompt takes to come over. */
const EVERY = 20;
/** Streams begin with a model that is still cold. */
const WARM_UP_FRAMES = 2 * CLIP_FPS;
/** The first frames that may show a change: one may have been submitted before it. */
const FIRST = 2;
const ENCODINGS = 40;
const LIMIT_MS = 120_000;

/** Runs a job in a process of its own. */
export async function promptChanges(job: PromptChangesJob): Promise<PromptChanges> {
  return (await runScript<PromptChanges>(import.meta.path, [JSON.stringify(job)], LIMIT_MS)).output;
}

async function measure({ workspace, model, clip: path }: PromptChangesJob): Promise<PromptChanges> {
  quietLibav();
  const clip = (await Bun.file(path).json()) as Clip;
  const catalogue = await ModelCatalogue.open(workspace);
  const host = new ModelHost({ catalogue, device: "cpu", onChange: () => {} });
  const { definition } = await host.acquire(model);
  const units = await accessUnits(clip);
  const stream = new PacedStream({ host, units, model: definition.name, key: "stream" });
  const changes: number[] = [];
  const watch = setInterval(() => {
    const at = stream.inferenceMs.length;
    if (at < WARM_UP_FRAMES || at - (changes.at(-1) ?? 0) < EVERY) return;
    changes.push(at);
    const prompt = `a picture of number ${changes.length}, never asked for before`;
    stream.params = { ...stream.params, prompts: [{ prompt }] };
  }, 1);
  await stream.done;
  clearInterval(watch);
  await host[Symbol.asyncDispose]();

  const { program } = await catalogue.get(model);
  if (!("pipeline" in program)) throw new Error(`${model} is no diffusion pipeline`);
  const loop = await PipelineLoop.open(program.pipeline, { width: 64, height: 64 });
  const encodeMs: number[] = [];
  for (let n = 0; n < ENCODINGS; n++) {
    const begun = performance.now();
    await loop.encodeText();
    encodeMs.push(performance.now() - begun);
  }
  await loop.release();
  const { sent, taken } = stream.loop;
  const droppedFrom = (offset: number): number =>
    stream.droppedAt.filter((drop) =>
      changes.some((at) => drop >= at + offset && drop < at + offset + EVERY / 2),
    ).length;
  return {
    framesIn: sent,
    framesOut: taken.frames,
    dropped: droppedFrom(0),
    droppedOtherwise: droppedFrom(EVERY / 2),
    extraMs: changes.flatMap((at) => extraAt(stream.inferenceMs, at)),
    otherExtraMs: changes.flatMap((at) => extraAt(stream.inferenceMs, at + EVERY / 2)),
    encodeMs,
  };
}

/** What the slowest of the first frames from `at` on took beyond the median of the frames around; empty at the end of the clip. */
function extraAt(all: readonly number[], at: number): number[] {
  const first = all.slice(at, at + FIRST);
  if (first.length < FIRST) return [];
  const around = [...all.slice(at - EVERY / 2, at), ...all.slice(at + FIRST, at + EVERY / 2)];
  return [Math.max(...first) - (around.toSorted((a, b) => a - b)[around.length >> 1] ?? 0)];
}

if (import.meta.main) {
  const [job = ""] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job) as PromptChangesJob)));
  process.exit(0);
}
