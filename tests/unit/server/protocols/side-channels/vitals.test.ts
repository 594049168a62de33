import { afterEach, expect, setSystemTime, test } from "bun:test";
import type { WorkReport } from "../../../../../src/engine/protocol/messages.ts";
import type { StreamStats } from "../../../../../src/engine/protocol/stats.ts";
import type { StreamSpec } from "../../../../../src/engine/protocol/work.ts";
import { byocProtocol } from "../../../../../src/server/protocols/byoc/byoc-protocol.ts";
import { StreamVitals } from "../../../../../src/server/protocols/side-channels/vitals.ts";
import { INPUT_DEFAULTS } from "../../../../../src/server/streams/params.ts";
import { Stream } from "../../../../../src/server/streams/stream.ts";
import { ahead } from "../../../../support/ahead.ts";

afterEach(() => void setSystemTime());

const input = { url: "http://127.0.0.1/x" };
const output = { endpoint: { url: "http://127.0.0.1/x-out" }, lifecycle: "given" } as const;
const NONE = { p50: null, p95: null, p99: null };
const BASE: StreamStats = {
  fps_in: 30,
  fps_out: 30,
  audio_fps_in: 47,
  audio_fps_out: 50,
  frames_in: 1,
  frames_out: 1,
  frames_dropped: 0,
  frames_processed: 1,
  frames_fallback: 0,
  errors: 0,
  consecutive_errors: 0,
  megapixels_out: 0.5,
  segments_out: 1,
  segments_skipped: 0,
  bytes_in: 1,
  bytes_out: 1,
  latency_ms: NONE,
  latency_counts: [],
  inference_ms: NONE,
  model: "edges",
  device: "cpu",
  execution_provider: "cpu",
};

/** A stream, with input and output by default, and its vitals. */
function watched(media: Partial<StreamSpec> = { input, output }) {
  const seen: StreamVitals[] = [];
  const fixed = {
    container: "mpegts",
    segment_seconds: 2,
    audio: "auto",
  } as const;
  const record = new Stream({
    id: "a",
    protocol: byocProtocol(),
    channels: { stream_url: null, input_url: null },
    capability: null,
    spec: { ...fixed, ...media },
    params: INPUT_DEFAULTS,
    defaults: INPUT_DEFAULTS,
    observe: (own) => {
      seen.push(new StreamVitals(own, "byoc"));
      return {
        open() {},
        handle: (event) => void seen[0]?.handle(event),
        close: () => Promise.resolve(),
      };
    },
  });
  const [vitals] = seen;
  if (vitals === undefined) throw new Error("the stream has no observer");
  const receive = (...messages: WorkReport[]) => {
    for (const message of messages) record.receive(message);
  };
  const stats = (change: Partial<StreamStats> = {}): WorkReport => ({
    type: "stats",
    id: "a",
    stats: { ...BASE, ...change },
  });
  return { record, vitals, receive, stats, state: () => vitals.status().state };
}

const started = { type: "started", id: "a" } as const;

test("a stream is LOADING until its engine has reported figures and a frame has been delivered", () => {
  const { receive, stats, state } = watched();
  expect(state()).toBe("LOADING");
  receive(started);
  expect(state()).toBe("LOADING");
  receive(stats({ frames_out: 0, fps_out: 0 }));
  expect(state()).toBe("LOADING");
  receive(stats());
  expect(state()).toBe("ONLINE");
});

test("a pause of the input is DEGRADED_INPUT until frames come again", () => {
  const { receive, stats, state } = watched();
  receive(started, stats());
  using _later = ahead(6000);
  receive(stats({ fps_in: 0 }));
  expect(state()).toBe("DEGRADED_INPUT");
  receive(stats({ frames_in: 2 }));
  expect(state()).toBe("ONLINE");
});

test("an input that comes in segments of ten seconds is not degraded between them", () => {
  const { receive, stats, state } = watched();
  receive(started, stats());
  using _later = ahead(9000);
  // The engine's rate stands until the next segment is overdue.
  receive(stats());
  expect(state()).toBe("ONLINE");
});

test("a new input has time for a first segment of ten seconds", () => {
  const { receive, stats, state } = watched();
  const none = { frames_in: 0, frames_out: 0, fps_in: 0, fps_out: 0 };
  receive(started, stats(none));
  using _later = ahead(10_500);
  receive(stats(none));
  expect(state()).toBe("LOADING");
  using _muchLater = ahead(2000);
  receive(stats(none));
  expect(state()).toBe("DEGRADED_INPUT");
});

test("a stream whose fps is capped below the input's rate keeps up with the cap", () => {
  for (const [fps, fps_out, expected] of [
    [5, 5, "ONLINE"],
    [5, 2, "DEGRADED_INFERENCE"],
    [undefined, 5, "DEGRADED_INFERENCE"],
  ] as const) {
    const { record, receive, stats, state } = watched();
    record.change({ ...INPUT_DEFAULTS, ...(fps === undefined ? {} : { fps }) });
    receive(started, stats());
    using time = new DisposableStack();
    for (let second = 0; second <= 7; second++) {
      time.use(ahead(1000));
      receive(stats({ frames_in: 30 * (second + 2), frames_out: 5 * (second + 2), fps_out }));
    }
    expect(state()).toBe(expected);
  }
});

test("an input that brings no picture degrades the input, not the inference", () => {
  const { receive, stats, state } = watched();
  receive(started, stats());
  const problem = "has brought 4000 bytes and no video";
  const details = [{ field: "input", problem }];
  const error = { kind: "unsupported_media", message: `input ${problem}`, details } as const;
  receive({ type: "trouble", id: "a", error });
  expect(state()).toBe("DEGRADED_INPUT");
  receive({ type: "recovered", id: "a" });
  expect(state()).toBe("ONLINE");
});

test("a heartbeat has the rates of video and audio", () => {
  const { receive, stats, vitals } = watched();
  receive(started, stats());
  expect(vitals.heartbeat().fps).toEqual({
    ingress_video_fps: 30,
    ingress_audio_fps: 47,
    egress_video_fps: 30,
    egress_audio_fps: 50,
  });
});

test("trouble, and a rate that does not keep up for 5 s, degrade inference", () => {
  const { receive, stats, state } = watched();
  receive(started, stats({ fps_out: 5 }));
  expect(state()).toBe("ONLINE");
  using _later = ahead(6000);
  receive(stats({ fps_out: 5, frames_in: 2 }));
  expect(state()).toBe("DEGRADED_INFERENCE");
  receive(stats({ fps_out: 12, frames_in: 3 }));
  expect(state()).toBe("ONLINE");
  receive({ type: "trouble", id: "a", error: { kind: "model_failed", message: "no memory" } });
  expect(state()).toBe("DEGRADED_INFERENCE");
  receive({ type: "recovered", id: "a" });
  expect(state()).toBe("ONLINE");
});

test("a stream whose frames are made and not delivered is DEGRADED_INFERENCE after 5 s", () => {
  const { receive, stats, state } = watched();
  receive(started, stats());
  for (const second of [1, 2, 3, 4, 5, 6, 7]) {
    using _now = ahead(second * 950);
    receive(stats({ frames_in: 30 * second, frames_out: 1, fps_out: 0 }));
    expect(state()).toBe(second < 7 ? "ONLINE" : "DEGRADED_INFERENCE");
  }
});

test("between two engines a stream is LOADING, keeps its counters and has the time of the restart", () => {
  const { receive, stats, state, record, vitals } = watched();
  receive(started, stats({ frames_in: 100 }));
  record.interrupted("SIGSEGV");
  expect(state()).toBe("LOADING");
  expect(vitals.status()).toMatchObject({
    inference_status: {
      restart_count: 1,
      last_restart_time: expect.any(Number),
      last_restart_logs: ["SIGSEGV"],
    },
    stats: { frames_in: 100 },
  });
  receive(stats({ frames_in: 1 }));
  expect(state()).toBe("ONLINE");
});

test("a stream without media is ONLINE, one that stops OFFLINE, one that failed ERROR", () => {
  const plain = watched({});
  plain.receive(started, plain.stats({ frames_in: 0, frames_out: 0, fps_in: 0, fps_out: 0 }));
  expect(plain.state()).toBe("ONLINE");
  plain.record.stopping("deleted");
  expect(plain.state()).toBe("OFFLINE");
  const failed = watched();
  const error = { kind: "output_lost", message: "gone" } as const;
  failed.receive(started, { type: "ended", id: "a", error });
  expect(failed.state()).toBe("ERROR");
});

test("a change of state is reported once, whoever asks first", () => {
  const { receive, stats, state, vitals } = watched();
  expect(vitals.hasChanged()).toBe(false);
  receive(started, stats());
  expect([vitals.hasChanged(), vitals.hasChanged()]).toEqual([true, false]);
  receive({ type: "trouble", id: "a", error: { kind: "model_failed", message: "no memory" } });
  expect(state()).toBe("DEGRADED_INFERENCE");
  expect(vitals.hasChanged()).toBe(false);
});

test("a state has the time at which it began", () => {
  const { receive, stats, vitals } = watched();
  receive(started, stats());
  const since = vitals.status().last_state_update_time;
  setSystemTime(Date.now() + 1000);
  receive(stats({ frames_in: 2, frames_out: 2 }));
  expect(vitals.status().last_state_update_time).toBe(since);
});

test.each([-3_600_000, 3_600_000])("a wall clock that is set by %i ms changes no state", (ms) => {
  const { receive, stats, state } = watched();
  receive(started, stats());
  setSystemTime(Date.now() + ms);
  receive(stats({ fps_in: 0 }));
  expect(state()).toBe("ONLINE");
  receive(stats({ fps_out: 5, frames_in: 2 }));
  setSystemTime(Date.now() + 2 * ms);
  receive(stats({ fps_out: 5, frames_in: 3 }));
  expect(state()).toBe("ONLINE");
});
