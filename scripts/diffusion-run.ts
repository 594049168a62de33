/**
 * `bun run diffusion-run [--seconds 60] [--every 4] [--side 192] [--out FOLDER]`: two streams of the real server through a
 * tiny diffusion pipeline at the same time, one of text alone and one of a real clip at its own pace, with prompts, seeds,
 * strengths and graphs that change. Prints what became of the frames; exits with 1 if one was lost after inference, or a
 * change was not seen. `--out` keeps both outputs as files.
 */
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { quietLibav } from "../src/engine/codec/libav.ts";
import { tsSegments } from "../tests/support/clip.ts";
import { type ReadMedia, readMedia } from "../tests/support/clip-reader.ts";
import { changesOf } from "../tests/support/diffusion-changes.ts";
import { type DiffusionReport, runDiffusion } from "../tests/support/diffusion-run.ts";
import { sendClip } from "../tests/support/live-stream.ts";
import { MAIN, startServer } from "../tests/support/server-process.ts";
import { sharedData } from "../tests/support/shared-data.ts";
import { commandLine, numberFrom, wholeNumber } from "./command-line.ts";

const USAGE = "usage: bun run diffusion-run [--seconds 60] [--every 4] [--side 192] [--out FOLDER]";

const MODEL = "tiny-sd";
const FPS = 12.5;
const GUIDANCE = 8;
/** Frames in which a change must be seen: eight in which a prompt comes over, and more where pictures flow. */
const MOST_AFTER = 24;

const { seconds, every, side, out } = commandLine("diffusion-run", USAGE, asked);
const pipeline = needed(`golden/pipeline/${MODEL}`);
const movie = needed("video/car-detection.mp4");
quietLibav();

const workspace = await mkdtemp(join(tmpdir(), "diffusion-run-"));
try {
  await mkdir(join(workspace, "models"));
  await cp(pipeline, join(workspace, "models", MODEL), { recursive: true });
  await using server = await startServer(MAIN, ["--workspace", workspace]);
  const over = new AbortController();
  const media = await readMedia(movie);
  const clip = tsSegments(repeated(media, Math.ceil((seconds + 30) / durationOf(media))), {
    mute: true,
  });
  const inputUrl = `${server.url}/trickle/camera`;
  await sendClip(inputUrl, clip, { seconds: seconds + 30, signal: over.signal });
  const size = { width: side, height: side };
  const body = {
    ...size,
    model: MODEL,
    prompts: [{ prompt: "a cat" }],
    seed: 5,
    guidance: GUIDANCE,
    strength: 0.6,
    fps: FPS,
  };
  const reports = await Promise.all(
    [
      { name: "text-alone", inputUrl: null },
      { name: "restyled", inputUrl },
    ].map((stream) =>
      runDiffusion({
        url: server.url,
        body,
        seconds,
        everySeconds: every,
        ...stream,
        changes: changesOf({
          model: MODEL,
          side,
          settings: { guidance: GUIDANCE },
          hasInput: stream.inputUrl !== null,
        }),
      }),
    ),
  );
  over.abort();
  for (const report of reports) await print(report);
  process.exitCode = reports.every(isSound) ? 0 : 1;
} finally {
  await rm(workspace, { recursive: true, force: true });
}

async function print(report: DiffusionReport): Promise<void> {
  const { framesIn, framesDropped, framesOut, framesDecoded, inferenceMs, changes } = report;
  console.log(`\n${report.name}, ${seconds} s at ${side}², ${FPS} fps`);
  const rows: readonly (readonly [string, string])[] = [
    ["frames in / dropped before inference / out", `${framesIn} / ${framesDropped} / ${framesOut}`],
    ["frames in the decoded output", String(framesDecoded)],
    ["frames missing by timestamp, backward", `${report.missing}, ${report.backward}`],
    ["longest gap", `${(report.longestGap * 1000).toFixed(0)} ms`],
    [
      "a frame's device time, p50 and p99",
      `${inferenceMs.p50.toFixed(1)} and ${inferenceMs.p99.toFixed(1)} ms`,
    ],
    ["changes made, seen", `${changes.length}, ${changes.filter(isSeen).length}`],
    ["seen where there was none", String(report.seenWithoutChange)],
    ["error", report.error ?? "none"],
  ];
  for (const [what, figure] of rows) console.log(`${what.padEnd(46)} ${figure}`);
  for (const { what, after, difference } of changes) {
    const seen = after === null ? "NOT SEEN" : `seen in frame ${after + 1}`;
    console.log(`  ${what.padEnd(44)} ${seen}, ${difference.toFixed(1)} levels`);
  }
  if (out === undefined) return;
  await mkdir(out, { recursive: true });
  await Bun.write(join(out, `${report.name}.mp4`), Buffer.concat(report.segments));
}

/** A graph's networks are loaded beside the running ones first. */
function isSeen({ after, what }: DiffusionReport["changes"][number]): boolean {
  return after !== null && (after < MOST_AFTER || what.includes("graph"));
}

function isSound(report: DiffusionReport): boolean {
  const isWhole = report.framesDecoded === report.framesOut && report.backward === 0;
  return isWhole && report.error === null && report.changes.every(isSeen);
}

/** In seconds. */
function durationOf({ video }: ReadMedia): number {
  return ((video?.packets.length ?? 0) * durationOfFrame(video?.packets ?? [])) / 90_000;
}

function durationOfFrame(packets: readonly { readonly dts: number }[]): number {
  const [first, last] = [packets[0]?.dts ?? 0, packets.at(-1)?.dts ?? 0];
  return (last - first) / Math.max(1, packets.length - 1);
}

/** The video several times in a row, with rising timestamps. */
function repeated({ video }: ReadMedia, times: number): ReadMedia {
  if (video === null) throw new Error("the clip has no video");
  const length = Math.round(video.packets.length * durationOfFrame(video.packets));
  const packets = Array.from({ length: times }, (_, turn) =>
    video.packets.map((packet) => ({
      ...packet,
      pts: packet.pts + turn * length,
      dts: packet.dts + turn * length,
    })),
  ).flat();
  return { video: { ...video, packets }, audio: null };
}

function needed(path: string): string {
  const found = sharedData(path);
  if (found !== null) return found;
  console.error(`diffusion-run: ../shared/data/${path} is absent`);
  process.exit(2);
}

function asked() {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      every: { type: "string", default: "4" },
      side: { type: "string", default: "192" },
      out: { type: "string" },
    },
  });
  const side = wholeNumber("side", values.side, 64);
  if (side > 1024 || side % 8 !== 0)
    throw new Error(`--side must be a multiple of 8 up to 1024: ${side}`);
  return {
    seconds: numberFrom("seconds", values.seconds, 5),
    every: numberFrom("every", values.every, 1),
    side,
    out: values.out,
  };
}
