/** Loads and runs a pipeline with large weights on a real server, beside a stream that must not notice. */
import { join } from "node:path";
import { FrameWatch } from "./frame-watch.ts";
import { api, enginePid } from "./live-stream.ts";
import { OnnxWorkspace } from "./onnx-workspace.ts";
import { memoryOf, type ProcessMemory, residentOf } from "./process-memory.ts";
import { MAIN, startServer } from "./server-process.ts";
import { waitFor } from "./wait-for.ts";
import { type Weights, writeWeightyPipeline } from "./weighty-pipeline.ts";

export interface WeightyReport {
  /** Of the weights' file, in MiB. */
  readonly fileSize: number;
  /** Of the engine before the pipeline was asked for, and while it ran. */
  readonly before: ProcessMemory;
  readonly running: ProcessMemory;
  /** The most that the engine had resident while it loaded and ran, in MiB. */
  readonly peak: number;
  /** What the pipeline took at most, as a share of the file. */
  readonly share: number;
  /** From the start of its stream to its first picture. */
  readonly loadMs: number;
  readonly framesDrawn: number;
  readonly inferenceMs: number;
  /** Of the other stream before the pipeline was asked for, and since. */
  readonly quiet: SeenFrames;
  readonly neighbour: SeenFrames;
}

export interface SeenFrames {
  readonly frames: number;
  readonly missing: number;
  /** The most that were missing in a row. */
  readonly worst: number;
}

const POLL_MS = 20;
const NEIGHBOUR_FPS = 15;
const LOAD_LIMIT_MS = 180_000;

/** @param frames that the pipeline is to draw, and that the other stream draws by itself before */
export async function runWeighty(
  weights: Weights,
  frames: { readonly drawn: number; readonly quiet: number },
): Promise<WeightyReport> {
  await using workspace = await OnnxWorkspace.create();
  const folder = join(workspace.path, "models/weighty");
  const bytes = await writeWeightyPipeline(folder, weights);
  await using server = await startServer(MAIN, ["--workspace", workspace.path]);
  const pid = await enginePid(server.url);
  const { start, stop, stream } = api(server.url);
  const channel = (name: string) => `${server.url}/trickle/${name}`;
  await start({
    stream_url: channel("card"),
    model: "test-card",
    fps: NEIGHBOUR_FPS,
    width: 256,
    height: 256,
  });
  await using watch = new FrameWatch(channel("card"), NEIGHBOUR_FPS);
  await waitFor("the other stream", () => watch.frames > 2 * NEIGHBOUR_FPS, 30_000);
  watch.reset();
  const seen = (): SeenFrames => ({
    frames: watch.frames,
    missing: watch.missing,
    worst: watch.worst,
  });
  const aloneMs = 2000 * (frames.quiet / NEIGHBOUR_FPS);
  await waitFor("its frames", () => watch.frames >= frames.quiet, 10_000 + aloneMs);
  const quiet = seen();
  watch.reset();

  const before = memoryOf(pid);
  let peak = 0;
  const poll = setInterval(() => {
    peak = Math.max(peak, residentOf(pid));
  }, POLL_MS);
  const begun = performance.now();
  const id = await start({
    stream_url: channel("drawn"),
    model: "weighty",
    fps: 10,
    width: 64,
    height: 64,
  });
  const stats = async () => (await stream(id)).stats;
  const isDrawn = async () => (await stats()).inference_ms.p50 > 0;
  await waitFor("the first picture", isDrawn, LOAD_LIMIT_MS);
  const loadMs = performance.now() - begun;
  const first = (await stats()).frames_out;
  await waitFor(
    "pictures",
    async () => (await stats()).frames_out >= first + frames.drawn,
    LOAD_LIMIT_MS,
  );
  clearInterval(poll);
  const running = memoryOf(pid);
  const { frames_out, inference_ms } = await stats();
  const neighbour = seen();
  await stop(id);
  const fileSize = bytes / 2 ** 20;
  return {
    fileSize,
    before,
    running,
    peak,
    share: (peak - before.resident) / fileSize,
    loadMs,
    framesDrawn: frames_out - first,
    inferenceMs: inference_ms.p50,
    quiet,
    neighbour,
  };
}
