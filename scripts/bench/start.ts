/** Benchmark `start`: from the execution of the built binary to its answers and its first video, against an empty Bun program. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { accessUnits, ClipFolder } from "./clip.ts";
import { type Measurement, median } from "./report.ts";
import { firstFrame, firstSegment, type Start, timeToExit, withStarted } from "./start-run.ts";

const ROOT = join(import.meta.dir, "../..");
const BINARY = join(ROOT, "dist/comfystream-byoc");
const SOURCE = [process.execPath, join(ROOT, "src/main.ts")];
/** Bun prints its help where there is nothing to evaluate. */
const EMPTY = [process.execPath, "--eval", "0"];

const MOST_MS_TO_HEALTH = 150;
const MOST_MS_TO_SEGMENT = 2000;
const MOST_MS_FOR_KEY_FRAME = 300;

export const start: Benchmark = async ({ quick, log }) => {
  if (!existsSync(BINARY))
    return [{ case: "start", unit: "ms", samples: [], note: "needs `bun run build` first" }];
  await using folder = await ClipFolder.create();
  const [keyFrame] = await accessUnits(folder.make(512, 512, 1));
  if (keyFrame === undefined) throw new Error("the clip is empty");
  const times = {
    empty: [] as number[],
    version: [] as number[],
    first: [] as Start[],
    later: [] as Start[],
    source: [] as Start[],
    segment: [] as { readonly firstBytes: number; readonly whole: number }[],
    keyFrame: [] as number[],
  };
  for (let round = 1; round <= (quick ? 1 : 10); round++) {
    const home = await mkdtemp(join(tmpdir(), "start-"));
    try {
      const started = (program: readonly string[]) =>
        withStarted(program, home, (server) => server.start);
      times.empty.push(await timeToExit(EMPTY, home));
      times.version.push(await timeToExit([BINARY, "--version"], home));
      times.first.push(await started([BINARY]));
      times.later.push(await started([BINARY]));
      times.source.push(await started(SOURCE));
      times.segment.push(await withStarted([BINARY], home, firstSegment));
      times.keyFrame.push(await withStarted([BINARY], home, (one) => firstFrame(one, keyFrame)));
    } finally {
      await rm(home, { recursive: true, force: true });
    }
    log(`round ${round}: ${times.later.at(-1)?.ready.toFixed(0)} ms until ready`);
  }
  const row = (name: string, samples: readonly number[], rest?: Partial<Measurement>) => ({
    case: name,
    unit: "ms",
    samples,
    ...rest,
  });
  const atMost = (bound: number) => ({ on: "value", sign: "≤", bound }) as const;
  const reference = { name: "an empty Bun program", samples: times.empty };
  const all = <Key extends string>(list: readonly Readonly<Record<Key, number>>[], key: Key) =>
    list.map((one) => one[key]);
  return [
    row("--version", times.version, { reference }),
    row("first start: /health answers", all(times.first, "answers"), {
      note: "unpacks the native libraries",
    }),
    row("first start: a stream can be started", all(times.first, "ready")),
    row("later start: /health answers", all(times.later, "answers"), {
      reference,
      aim: atMost(MOST_MS_TO_HEALTH + median(times.empty)),
    }),
    row("later start: a stream can be started", all(times.later, "ready")),
    row("from source: /health answers", all(times.source, "answers")),
    row("from source: a stream can be started", all(times.source, "ready")),
    row("later start: the output of a prompt begins", all(times.segment, "firstBytes")),
    row("later start: its first segment is whole", all(times.segment, "whole"), {
      aim: atMost(MOST_MS_TO_SEGMENT),
      note: "of a stream without input that is started as soon as it can be",
    }),
    row("ready server: first key frame in → first output", times.keyFrame, {
      aim: atMost(MOST_MS_FOR_KEY_FRAME),
      note: "the first stream of a new server; includes loading the model",
    }),
  ];
};
