/** Benchmark `diffusion`: image to image in one step with a tiny pipeline, against its networks one after the other, and what a new prompt costs. */
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sharedData } from "../../tests/support/shared-data.ts";
import type { Benchmark } from "./benchmark.ts";
import { ClipFolder } from "./clip.ts";
import { promptChanges } from "./prompt-changes.ts";
import { type Measurement, median } from "./report.ts";
import { throughput } from "./throughput-run.ts";

const TINY = "golden/pipeline/tiny-sd";
/** With the duration of one measurement: enough for dozens of frames. */
const SIDES = [
  { side: 256, seconds: 2 },
  { side: 512, seconds: 6 },
] as const;
/** Small enough for 30 fps on a machine that is not idle. */
const PROMPTS_SIDE = 128;
const PROMPT_FRAMES = 600;
/** Enough for all rounds at the smallest size. */
const FRAMES = 900;
/** Where a process has its memory makes some percent of difference, for either side. */
const PROCESSES = 4;

export const diffusion: Benchmark = async ({ quick, log }) => {
  const tiny = sharedData(TINY);
  if (tiny === null) {
    const note = `../shared/data/${TINY} is absent`;
    return [{ case: "image to image in one step", unit: "frames/s", samples: [], note }];
  }
  await using folder = await ClipFolder.create();
  const model = "tiny-sd";
  await mkdir(join(folder.path, "models"));
  await cp(tiny, join(folder.path, "models", model), { recursive: true });
  const measurements: Measurement[] = [];
  for (const { side, seconds } of quick ? SIDES.slice(0, 1) : SIDES) {
    log(`image to image at ${side}²`);
    const clip = await folder.describe(folder.make(side, side, quick ? 400 : FRAMES));
    const pipeline: number[] = [];
    const sessions: number[] = [];
    for (let process = 0; process < (quick ? 1 : PROCESSES); process++) {
      const runs = await throughput({
        workspace: folder.path,
        model,
        clip,
        rounds: quick ? 1 : 2,
        seconds: quick ? 1 : seconds,
        ways: [
          { name: "pipeline", streams: 1, maxBatch: 1 },
          { name: "sessions", loopOf: 1 },
        ],
      });
      pipeline.push(...(runs["pipeline"]?.fps.flat() ?? []));
      sessions.push(...(runs["sessions"]?.fps.flat() ?? []));
    }
    measurements.push({
      case: `image to image in one step at ${side}²`,
      unit: "frames/s",
      samples: pipeline,
      reference: { name: "VAE encoder, UNet, VAE decoder in a loop", samples: sessions },
      aim: { on: "ratio", sign: "≥", bound: 0.95 },
    });
  }
  log("prompts that change");
  const clip = await folder.describe(
    folder.make(PROMPTS_SIDE, PROMPTS_SIDE, quick ? PROMPT_FRAMES / 3 : PROMPT_FRAMES),
  );
  return [...measurements, ...rowsOf(await promptChanges({ workspace: folder.path, model, clip }))];
};

function rowsOf(run: Awaited<ReturnType<typeof promptChanges>>): Measurement[] {
  const changes = `${run.extraMs.length} prompt changes at ${PROMPTS_SIDE}², 30 fps`;
  return [
    {
      case: `${changes}: frames dropped in the ten after each`,
      unit: "frames",
      samples: [run.dropped],
      reference: { name: "in the ten after those", samples: [run.droppedOtherwise] },
      // A busy machine drops frames at any time.
      aim: { on: "value", sign: "≤", bound: run.droppedOtherwise },
    },
    {
      case: `${changes}: the first frame of one beyond its neighbours`,
      unit: "ms",
      samples: run.extraMs,
      reference: { name: "one run of the text encoder", samples: run.encodeMs },
      note: `frames without a change: ${median(run.otherExtraMs).toFixed(2)} ms`,
    },
  ];
}
