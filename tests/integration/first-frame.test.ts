/** How a stream begins: the frame that waited for its model is the newest, and nothing counts as lost before it. */
import { expect, test } from "bun:test";
import type { Tick } from "../../src/engine/codec/video-frame.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { clock } from "../../src/engine/source/clock.ts";
import { ticks } from "../../src/media/time.ts";
import { endWhen } from "../../src/streams/end-when.ts";
import { builtInHost } from "../support/built-in-host.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { waitFor } from "../support/wait-for.ts";

const host = await builtInHost("test-card", "identity");

const PARAMS: StreamParams = {
  prompts: [{ prompt: "a lake" }],
  model: "test-card",
  size: { width: 128, height: 128 },
  fps: 30,
  fit: "cover",
  paused: false,
  model_params: {},
};

/** Milliseconds from a frame's tick until it was made. */
class LatencyObserver extends RecordingObserver {
  readonly latencies: number[] = [];
  /** Frames that counted as dropped when the first one was made. */
  droppedBefore = 0;

  override frameUnpublished(frame?: Tick): void {
    super.frameUnpublished();
    if (this.latencies.length === 0) this.droppedBefore = this.framesDropped;
    if (frame) this.latencies.push(performance.now() - frame.arrivedAt);
  }
}

/** A stream without input and output whose models load only when `door` opens. */
function stream(params: Partial<StreamParams> = {}) {
  const door = Promise.withResolvers<void>();
  const end = new AbortController();
  const observer = new LatencyObserver();
  let current = { ...PARAMS, ...params };
  const pipeline = new Pipeline({
    workspace: "/nonexistent",
    calls: UNRECORDED_CALLS,
    host: {
      acquire: async (name, signal) => {
        await door.promise;
        return await host.acquire(name, signal);
      },
      chain: (name) => host.chain(name),
      loading: (name) => host.loading(name),
      planGraphs: (...asked) => host.planGraphs(...asked),
      loadDeadlineMs: host.loadDeadlineMs,
      prompts: host.prompts,
    },
    key: "s",
    source: {
      kind: "clock",
      ticks: endWhen(
        clock(ticks(0), () => 30),
        end.signal,
      ),
    },
    output: null,
    container: "fmp4",
    segmentSeconds: 1,
    after: null,
    frameQueue: 1,
    maxFrameAgeMs: 500,
    params: () => current,
    observer,
    signal: new AbortController().signal,
  });
  const over = pipeline.run();
  return {
    door,
    observer,
    update: (changed: Partial<StreamParams>) => {
      current = { ...current, ...changed };
    },
    stop: async () => {
      end.abort();
      await over;
      expect(pipeline.frames).toBe(0);
    },
  };
}

test("the first frame is the newest when its model is there, and none counts as dropped", async () => {
  const { door, observer, stop } = stream();
  await Bun.sleep(400); // what the model takes to load
  door.resolve();
  await waitFor("a frame", () => observer.latencies.length > 0);
  expect(observer.framesSkipped).toBeGreaterThanOrEqual(5);
  expect(observer.droppedBefore).toBe(0);
  expect(observer.latencies[0]).toBeLessThan(250);
  await stop();
});

test("a stream that goes on after a pause during its load begins with a fresh frame, too", async () => {
  const { door, observer, update, stop } = stream({ paused: true });
  await Bun.sleep(200);
  update({ paused: false });
  await Bun.sleep(400);
  door.resolve();
  await waitFor("a frame", () => observer.latencies.length > 0);
  expect(observer.droppedBefore).toBe(0);
  expect(observer.latencies[0]).toBeLessThan(250);
  await stop();
});

test("a stream that ends while it waits for its model ends at once, or within the grace", async () => {
  const { door, stop } = stream();
  await Bun.sleep(50);
  const begun = performance.now();
  await stop();
  expect(performance.now() - begun).toBeLessThan(1500);
  door.resolve();
});

test("a clock's stream that is paused loses nothing: there is nothing to pass through", async () => {
  const { door, observer, update, stop } = stream();
  door.resolve();
  await waitFor("frames", () => observer.latencies.length >= 3);
  update({ paused: true });
  const [skipped, dropped] = [observer.framesSkipped, observer.framesDropped];
  await waitFor("ticks", () => observer.framesSkipped >= skipped + 5);
  expect(observer.framesDropped).toBeLessThanOrEqual(dropped + 1); // one was under way
  await stop();
});
