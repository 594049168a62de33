import { expect, test } from "bun:test";
import { UsageClock } from "../../../../src/server/streams/usage-clock.ts";

/** A clock and what moves it on. */
function clockOf(isPaused: boolean) {
  let now = 5000;
  const clock = new UsageClock(isPaused, () => now);
  const after = (ms: number) => {
    now += ms;
    return clock;
  };
  return { clock, after };
}

const reasons = ({ fallbacks }: UsageClock) => fallbacks.map(({ reason }) => reason);

test("a stream is on fallback until it is live, and each reason is an event", () => {
  const { clock, after } = clockOf(false);
  expect(clock.shown).toEqual({ output: "fallback", reason: "starting" });
  after(100).show({ output: "fallback", reason: "loading" });
  expect(clock.shown).toEqual({ output: "fallback", reason: "loading" });
  after(200).show({ output: "live" });
  expect(clock.shown).toEqual({ output: "live" });
  expect(after(1000).ms).toEqual({ live: 1000, fallback: 300, paused: 0 });
  expect(reasons(clock)).toEqual(["starting", "loading"]);
});

test("a stream that begins paused is starting once it is not", () => {
  const { clock, after } = clockOf(true);
  expect(reasons(clock)).toEqual([]);
  after(10).pause(false);
  expect([clock.shown, reasons(clock)]).toEqual([
    { output: "fallback", reason: "starting" },
    ["starting"],
  ]);
});

test("a stream that is paused is neither live nor on fallback, and goes on with what it showed", () => {
  const { clock, after } = clockOf(false);
  clock.show({ output: "live" });
  after(100).pause(true);
  after(50).pause(true);
  after(50).show({ output: "fallback", reason: "model_failed" }); // seen when it goes on
  expect([clock.state, reasons(clock)]).toEqual(["paused", ["starting"]]);
  expect(clock.shown).toEqual({ output: "paused" });
  after(100).pause(false);
  expect([clock.state, reasons(clock)]).toEqual(["fallback", ["starting", "model_failed"]]);
  expect(clock.shown).toEqual({ output: "fallback", reason: "model_failed" });
  after(30).show({ output: "live" });
  expect(after(10).ms).toEqual({ live: 110, fallback: 30, paused: 200 });
});

test("a stream whose engine was lost and replaced during a pause starts anew when it goes on", () => {
  const { clock, after } = clockOf(false);
  clock.show({ output: "live" });
  after(10).pause(true);
  after(10).interrupted();
  after(10).show({ output: "paused" });
  after(10).pause(false);
  expect(clock.shown).toEqual({ output: "fallback", reason: "starting" });
  after(10).show({ output: "live" });
  const [seen, { ms }] = [reasons(clock), after(10)];
  expect([seen, ms]).toEqual([["starting", "starting"], { live: 20, fallback: 10, paused: 30 }]);
});

test("a fallback for another reason is another event, for the same reason it is not", () => {
  const { clock, after } = clockOf(false);
  after(10).show({ output: "fallback", reason: "loading" });
  after(10).show({ output: "fallback", reason: "loading" });
  after(10).show({ output: "fallback", reason: "stalled" });
  after(10).show({ output: "live" });
  after(10).show({ output: "fallback", reason: "stalled" });
  expect(reasons(clock)).toEqual(["starting", "loading", "stalled", "stalled"]);
  expect(clock.ms).toEqual({ live: 10, fallback: 40, paused: 0 });
});

test("of many fallbacks the latest 50 are kept", () => {
  const { clock } = clockOf(false);
  for (let n = 0; n < 60; n++) clock.show({ output: "fallback", reason: "loading" });
  expect(reasons(clock)).toEqual(["starting", "loading"]);
  for (let n = 0; n < 60; n++) {
    clock.interrupted();
    clock.show({ output: "fallback", reason: "stalled" });
  }
  expect(clock.fallbacks).toHaveLength(50);
  expect(reasons(clock).slice(0, 2)).toEqual(["engine_lost", "stalled"]);
});

test("time after the end does not count, whatever is reported", () => {
  const { clock, after } = clockOf(true);
  after(100).end();
  const { endedAt } = clock;
  after(100).pause(false);
  after(100).show({ output: "fallback", reason: "stalled" });
  after(100).end();
  expect(clock.ms).toEqual({ live: 0, fallback: 0, paused: 100 });
  expect([clock.endedAt, reasons(clock)]).toEqual([endedAt, []]);
});
