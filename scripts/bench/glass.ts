/**
 * Benchmark `glass`: 512² at 30 fps from a sender's picture to a viewer's, with a number drawn into each: encoding by the
 * sender and decoding by the viewer are part of it, as they are for people.
 */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { Benchmark } from "./benchmark.ts";
import { readNumbers, sendNumbered } from "./glass-run.ts";
import { startProduct } from "./product-server.ts";
import { type Measurement, quantile } from "./report.ts";

const SIZE = { width: 512, height: 512 } as const;
const MODELS = ["identity", "restyle"] as const;
/** Left out at the start: 1.5 s, while the model loads and the engine warms up. */
const WARM_UP_FRAMES = 45;

interface GlassRun {
  readonly ms: readonly number[];
  readonly lost: number;
  readonly unreadable: number;
  /** The stream's own median latency, without sender and viewer. */
  readonly ownMs: number;
}

export const glass: Benchmark = async ({ quick, log }) => {
  quietLibav();
  const frames = quick ? 90 : 450;
  const rounds = quick ? 1 : 3;
  await using server = await startProduct();
  const runs: Record<string, GlassRun[]> = {};
  for (let round = 1; round <= rounds; round++) {
    log(`round ${round} of ${rounds}`);
    for (const model of MODELS) {
      const run = await runThrough(server, { model, round, frames });
      runs[model] = [...(runs[model] ?? []), run];
    }
  }
  return Object.entries(runs).flatMap(([model, of]) => rowsOf(model, of, frames));
};

async function runThrough(
  server: Awaited<ReturnType<typeof startProduct>>,
  { model, round, frames }: { model: string; round: number; frames: number },
): Promise<GlassRun> {
  const [input, output] = [`in-${model}-${round}`, `out-${model}-${round}`].map(server.channel);
  if (!input || !output) throw new Error("unreachable");
  const sending = sendNumbered(input, SIZE, frames);
  const id = await server.startStream({
    input_url: input,
    stream_url: output,
    model,
    marker: "input",
    prompts: [{ prompt: "a watercolour painting" }],
  });
  const stop = new AbortController();
  const shownAt = new Map<number, number>();
  const reading = readNumbers(output, shownAt, stop.signal);
  const drawnAt = await sending;
  await Bun.sleep(1000); // lets frames in flight arrive
  const figures = await server.figures(id);
  await server.stopStream(id);
  stop.abort();
  const { unreadable } = await reading;
  const measured = drawnAt.map((at, number) => (shownAt.get(number) ?? Number.NaN) - at);
  // Of the last frame the end is known only when its segment ends.
  const after = measured.slice(WARM_UP_FRAMES, -1);
  const ms = after.filter((delay) => !Number.isNaN(delay));
  return { ms, lost: after.length - ms.length, unreadable, ownMs: figures.latency_ms.p50 };
}

function rowsOf(model: string, runs: readonly GlassRun[], frames: number): Measurement[] {
  const at = (share: number) => runs.map(({ ms }) => quantile(ms, share));
  const own = { name: "the stream's own latency_ms", samples: runs.map(({ ownMs }) => ownMs) };
  const row = { unit: "ms" };
  return [
    { ...row, case: `${model} p50`, samples: at(0.5), reference: own },
    { ...row, case: `${model} p95`, samples: at(0.95) },
    { ...row, case: `${model} p99`, samples: at(0.99) },
    {
      case: `${model}: frames lost`,
      unit: "frames",
      samples: runs.map(({ lost }) => lost),
      note: `of ${frames - WARM_UP_FRAMES - 1} in a run`,
    },
    {
      case: `${model}: pictures whose marker cannot be read`,
      unit: "frames",
      samples: runs.map(({ unreadable }) => unreadable),
    },
  ];
}
