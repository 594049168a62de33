/** Child process of the pipeline benchmark: processes one clip in one way. `bun pipeline-run.ts <way> <clip.json>` */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import type { Fragment } from "../../src/media/fragment.ts";
import type { IncomingChunk } from "../../src/trickle/client/segment-copy.ts";
import { openBareLoop } from "./bare-loop.ts";
import { BenchStream } from "./bench-stream.ts";
import { accessUnits, type Clip } from "./clip.ts";
import { packetsOf } from "./clip-packets.ts";
import { pace } from "./paced-publisher.ts";
import { median } from "./report.ts";
import { ClosedLoop } from "./stream-loops.ts";

/**
 * `product`: the engine's pipeline with its identity model; `no-model`: the same without a session;
 * `loop`: the bare loop; `control`: this harness without any work.
 */
export const UNPACED_WAYS = ["product", "no-model", "loop", "control"] as const;
export type UnpacedWay = (typeof UNPACED_WAYS)[number];
/** `paced-loop`: the bare loop at 30 frames a second, as a live stream arrives. */
export type Way = UnpacedWay | "paced-loop";

/** The result that the child prints. */
export interface PipelineRun {
  readonly frames: number;
  /** Total size of all fragments. */
  readonly bytes: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Median milliseconds of the loop's steps; empty for the other ways. */
  readonly stepMs: Readonly<Record<string, number>>;
}

const MODEL = "identity";

/** Frames before measuring starts, so that compilation is not counted. */
const WARM_UP_FRAMES = 240;

type Play = (units: readonly Uint8Array[]) => Promise<{ frames: number; bytes: number }>;

async function measure(way: Way, clip: Clip): Promise<PipelineRun> {
  quietLibav();
  const units = await accessUnits(clip);
  switch (way) {
    case "loop":
    case "paced-loop":
      return await measureLoop(units, clip, way === "paced-loop");
    case "control":
      return await timed(units, playControl);
    case "product":
    case "no-model": {
      const catalogue = await ModelCatalogue.open("/nonexistent");
      const options = { catalogue, device: "cpu", onChange: () => {} };
      await using host = way === "product" ? new ModelHost(options) : new NoModelHost(options);
      await host.acquire(MODEL);
      return await timed(units, (part) => playPipeline(part, host));
    }
  }
}

/** Runs the bare loop, after a warm-up without pauses. */
async function measureLoop(
  units: readonly Uint8Array[],
  { width, height }: Clip,
  paced: boolean,
): Promise<PipelineRun> {
  using loop = await openBareLoop(width, height);
  const play: Play = async (part) => {
    const packets = packetsOf(part);
    return { frames: packets.length, bytes: await loop.run(packets) };
  };
  const playPaced: Play = async (part) => {
    const packets = packetsOf(part);
    let bytes = 0;
    await pace(packets, async (packet) => {
      bytes += await loop.run([packet]);
    });
    return { frames: packets.length, bytes };
  };
  const run = await timed(units, paced ? playPaced : play, play);
  const steps = Object.entries(loop.stepMs);
  const middle = (ms: readonly number[]) => median(ms.slice(-run.frames));
  return { ...run, stepMs: Object.fromEntries(steps.map(([name, ms]) => [name, middle(ms)])) };
}

async function timed(
  units: readonly Uint8Array[],
  play: Play,
  warmUp: Play = play,
): Promise<PipelineRun> {
  await warmUp(units.slice(0, WARM_UP_FRAMES));
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const { frames, bytes } = await play(units);
  const wallSeconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  if (frames !== units.length) throw new Error(`${frames} of ${units.length} frames came out`);
  return { frames, bytes, cpuSeconds: (user + system) / 1e6, wallSeconds, stepMs: {} };
}

const playPipeline = async (units: readonly Uint8Array[], host: ModelHost) => {
  const stream = new BenchStream({ host, units, model: MODEL, key: "bench" });
  await stream.done;
  return stream.taken;
};

const playControl: Play = async (units) => {
  const loop = new ClosedLoop();
  await loop
    .source(units)
    .pipeThrough(
      new TransformStream<IncomingChunk, Fragment>({
        transform({ data, first }, controller) {
          if (data.length === 0) return;
          controller.enqueue({ data, first, width: 0, height: 0, pts: 0 as never, arrivedAt: 0 });
        },
      }),
    )
    .pipeTo(loop.sink());
  return loop.taken;
};

/** Returns every picture at once, which leaves the cost of everything but the model. */
class NoModelHost extends ModelHost {
  override async acquire(name: string, signal?: AbortSignal): Promise<LoadedModel> {
    const model = await super.acquire(name, signal);
    const { definition, executionProvider } = model;
    return {
      definition,
      executionProvider,
      isLost: () => model.isLost(),
      isOutdated: () => model.isOutdated(),
      reloadError: () => model.reloadError(),
      inputSize: (source) => model.inputSize(source),
      run: async ({ picture }) => {
        if (!picture) throw new Error("identity needs a picture");
        return { picture, data: {}, inferenceMs: 0 };
      },
      markUsed() {},
      forget: (lane) => model.forget(lane),
    };
  }
}

if (import.meta.main) {
  const [way = "", path = ""] = process.argv.slice(2);
  const clip = (await Bun.file(path).json()) as Clip;
  process.stdout.write(JSON.stringify(await measure(way as Way, clip)));
  process.exit(0);
}
