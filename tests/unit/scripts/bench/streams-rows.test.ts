/** The rows of benchmark `streams`: where a machine is full, and what a stream costs beside others. */
import { expect, test } from "bun:test";
import { report } from "../../../../scripts/bench/report.ts";
import { nextCount, streamsRows } from "../../../../scripts/bench/streams-rows.ts";
import type { StreamsRun } from "../../../../scripts/bench/streams-run.ts";

/** Of 100 frames a stream; CPU is that of the engine, memory that of both processes. */
function run(streams: number, { lost = 0, cpu = 0.2, mb = 100 + 10 * streams } = {}): StreamsRun {
  const sent = 100 * streams;
  return {
    streams,
    frames: { sent, in: sent, out: sent - lost },
    serverCpu: 0,
    engineCpu: cpu,
    feederCpu: 0.1,
    lateMs: 0,
    p50: [5],
    p95: [9],
    memory: { at: [0], server: [0], engine: [mb] },
  };
}

const limits = { cores: 2, loopCpu: [0.1 / 30] };
const rowsOf = (runs: Readonly<Record<number, readonly StreamsRun[]>>) => {
  const byCount = new Map(Object.entries(runs).map(([count, of]) => [Number(count), of]));
  return report("streams", streamsRows(byCount, limits)).rows;
};
const row = (rows: ReturnType<typeof rowsOf>, name: string) =>
  rows.find((one) => one.case === name);

test("the machine is full where a hundredth of the frames is lost, beside what the loop would allow", () => {
  const tooMany = [run(10, { lost: 10 })];
  const rows = rowsOf({ 8: [run(8, { lost: 7 })], 10: tooMany, 12: [run(12)] });
  const capacity = row(rows, "streams with less than 1 % dropped");
  // 2 cores, and a stream of 0.1 for the loop and 0.1 for its feeder.
  expect(capacity).toMatchObject({ value: 8, reference_value: 10, met: false });
  expect(row(rows, "10 streams: frames dropped")?.value).toBe(1);
});

test("a run that ended before the machine was full judges nothing that it did not reach", () => {
  const [capacity] = rowsOf({ 1: [run(1)], 2: [run(2)] });
  expect(capacity).toMatchObject({ value: 2, met: null });
});

test("a stream beside others may cost a twentieth more than alone", () => {
  const rows = rowsOf({ 1: [run(1)], 2: [run(2, { cpu: 0.209 })], 4: [run(4, { cpu: 0.212 })] });
  expect(row(rows, "2 streams: CPU a stream")).toMatchObject({ met: true, reference_value: 0.2 });
  expect(row(rows, "4 streams: CPU a stream")).toMatchObject({ met: false });
});

test("memory of a further stream is what all but the first have added", () => {
  const rows = rowsOf({ 1: [run(1)], 4: [run(4, { mb: 110 + 3 * 21 })] });
  expect(row(rows, "4 streams: memory of a further stream")).toMatchObject({
    value: 21,
    met: false,
    series: { name: "memory of a further stream", x: 4 },
  });
});

test("the number of streams doubles up to 4 and then grows by a quarter, of 2 at least", () => {
  const counts = [1];
  while ((counts.at(-1) ?? 0) < 30) counts.push(nextCount(counts.at(-1) ?? 0));
  expect(counts).toEqual([1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 30]);
});
