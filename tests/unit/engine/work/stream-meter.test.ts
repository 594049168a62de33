import { expect, test } from "bun:test";
import { Distribution, StreamMeter } from "../../../../src/engine/work/stream-meter.ts";
import { TICKS_PER_SECOND, ticks } from "../../../../src/media/time.ts";

const distribution = (values: readonly number[]): Distribution => {
  const made = new Distribution();
  for (const value of values) made.add(value);
  return made;
};

test("nothing measured has no percentiles", () => {
  expect(distribution([]).percentiles()).toEqual({ p50: null, p95: null, p99: null });
});

test("one value is every percentile, rounded to a tenth", () => {
  expect(distribution([12.345]).percentiles()).toEqual({ p50: 12.3, p95: 12.3, p99: 12.3 });
});

test("percentiles are those of the sorted values, whatever their order", () => {
  const values = Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1);
  expect(distribution(values).percentiles()).toEqual({ p50: 51, p95: 96, p99: 100 });
});

test("values older than the last 300 are forgotten", () => {
  const old = Array<number>(500).fill(1000);
  const fresh = Array<number>(300).fill(5);
  expect(distribution([...old, ...fresh]).percentiles()).toEqual({ p50: 5, p95: 5, p99: 5 });
});

const SIZE = { width: 500, height: 300 };

const OTHERS = {
  segments_out: 2,
  segments_skipped: 0,
  bytes_in: 1999,
  bytes_out: 999,
  model: "edges",
  device: "cpu",
};

const frame = (index: number, fps = 30) => ticks(Math.round((index * TICKS_PER_SECOND) / fps));

test("megapixels are exact however many frames add up", () => {
  const meter = new StreamMeter();
  const size = { width: 512, height: 512 };
  for (let index = 0; index < 107; index++) meter.frameOut({ ...size, pts: frame(index) }, 20);
  expect(meter.snapshot(OTHERS).megapixels_out).toBe(28.049408);
});

test("a snapshot has everything that is counted here and elsewhere", () => {
  const counters = new StreamMeter();
  for (let index = 0; index < 10; index++) counters.frameIn(frame(index));
  for (let index = 0; index < 4; index++) counters.frameOut({ ...SIZE, pts: frame(index) }, 20);
  counters.framesDropped = 3;
  counters.framesFallback = 2;
  counters.inferred(7);
  const stats = counters.snapshot(OTHERS);
  expect(stats).toMatchObject({
    frames_in: 10,
    frames_out: 4,
    frames_dropped: 3,
    frames_fallback: 2,
    megapixels_out: 0.6,
    fps_in: 5,
    fps_out: 2,
    latency_ms: { p50: 20 },
    inference_ms: { p50: 7 },
    execution_provider: null,
    bytes_in: 1999,
    bytes_out: 999,
  });
});

/** What `fps_in` shows every half second while frames of `seconds` of media come in segments, then stop. */
function watch(options: { segment: number; upload: number; seconds: number; fps?: number }) {
  const { segment, upload, seconds, fps = 30 } = options;
  let now = 0;
  const counters = new StreamMeter(() => now);
  const shown: { readonly at: number; readonly fps: number }[] = [];
  let next = 0;
  for (; now < (seconds + 30) * 1000; now += 5) {
    // A segment is sent once its last frame is there, and takes `upload` seconds.
    const sent = (index: number): number => {
      const whole = Math.floor(index / fps / segment + 1e-9);
      const inside = index / fps - whole * segment;
      return (whole + 1) * segment + (inside * upload) / segment;
    };
    while (next < seconds * fps && sent(next) * 1000 <= now) counters.frameIn(frame(next++, fps));
    if (now % 500 === 0) shown.push({ at: now / 1000, fps: counters.snapshot(OTHERS).fps_in });
  }
  const rates = (from: number, to: number): number[] =>
    shown.filter(({ at }) => at >= from && at < to).map((each) => each.fps);
  return { rates };
}

const all = (rates: readonly number[], lowest: number, highest: number): boolean =>
  rates.length > 0 && rates.every((rate) => rate >= lowest && rate <= highest);

test("frames that come evenly show their rate, and none 3.5 s after the last", () => {
  const { rates } = watch({ segment: 1 / 30, upload: 0, seconds: 20 });
  expect(all(rates(3, 23), 30, 30)).toBe(true);
  expect(all(rates(24, 50), 0, 0)).toBe(true);
});

test.each([
  { segment: 4, upload: 0.2 },
  { segment: 10, upload: 0.2 },
  { segment: 10, upload: 4.5 },
  { segment: 10, upload: 9.5 },
])("segments of $segment s sent in $upload s show one steady rate, and none once over", (sent) => {
  const { rates } = watch({ ...sent, seconds: 40 });
  const last = 40 + sent.upload;
  expect(all(rates(sent.segment + sent.upload, last + 1), 29.5, 30.5)).toBe(true);
  expect(all(rates(last + sent.segment + 2, 70), 0, 0)).toBe(true);
});

test("frames that leave out of order count once each", () => {
  const counters = new StreamMeter(() => 0);
  for (let index = 0; index < 300; index += 3) {
    for (const reordered of [index + 2, index, index + 1]) counters.frameIn(frame(reordered));
  }
  expect(counters.snapshot(OTHERS).fps_in).toBe(30);
});

test("stamps that jump hold a rate no longer than a segment may be", () => {
  let now = 0;
  const counters = new StreamMeter(() => now);
  counters.frameIn(frame(0));
  counters.frameIn(frame(30 * 500));
  now = 14_000;
  expect(counters.snapshot(OTHERS).fps_in).toBe(0);
});

test("sound has rates of its own", () => {
  const counters = new StreamMeter(() => 0);
  for (let index = 0; index < 200; index++) counters.audioIn(frame(index, 50));
  for (let index = 0; index < 200; index++) counters.audioOut(frame(index, 47));
  const { audio_fps_in, audio_fps_out, fps_in } = counters.snapshot(OTHERS);
  expect([audio_fps_in, audio_fps_out, fps_in]).toEqual([50, 47, 0]);
});

test("runs of other models are measured by themselves, and the time without any is known", () => {
  let now = 0;
  const counters = new StreamMeter(() => now);
  for (const ms of [300, 310, 320]) counters.inferred(ms);
  now = 2000;
  expect(counters.msSinceInference).toBe(2000);
  counters.beginInference();
  expect(counters.msSinceInference).toBe(0);
  const rest = {
    segments_out: 0,
    segments_skipped: 0,
    bytes_in: 0,
    bytes_out: 0,
    model: "m",
    device: "cpu",
  };
  expect(counters.snapshot(rest).inference_ms).toEqual({ p50: null, p95: null, p99: null });
  counters.inferred(7);
  expect(counters.snapshot(rest).inference_ms.p50).toBe(7);
});

test("failed runs are counted in all, and since the last frame that the models made", () => {
  const counters = new StreamMeter();
  counters.frameProcessed();
  counters.runFailed();
  counters.runFailed();
  const figures = () => counters.snapshot(OTHERS);
  expect(figures()).toMatchObject({ frames_processed: 1, errors: 2, consecutive_errors: 2 });
  counters.frameProcessed();
  expect(figures()).toMatchObject({ frames_processed: 2, errors: 2, consecutive_errors: 0 });
  counters.runFailed();
  expect(figures()).toMatchObject({ errors: 3, consecutive_errors: 1 });
});
