import { expect, test } from "bun:test";
import { StreamEvents } from "../../../../src/server/streams/stream-events.ts";

/** The events of a stream, and what its observer was called with. */
function followed() {
  const seen: string[] = [];
  const events = new StreamEvents({ id: "a", logId: "abcd1234" });
  events.follow(() => ({
    open: () => void seen.push("open"),
    handle: ({ type }) => void seen.push(type),
    close: async () => void seen.push("close"),
  }));
  return { events, seen };
}

test("an observer gets every event until it is closed, and learns of the end by that", async () => {
  const { events, seen } = followed();
  events.open();
  events.report({ type: "started", id: "a" });
  events.report({ type: "data", id: "a", seconds: 1, model: "edges", values: {} });
  events.report({ type: "ended", id: "a" });
  await events.close(null);
  events.report({ type: "recovered", id: "a" });
  expect(seen).toEqual(["open", "started", "data", "close"]);
  expect(events.recent.all.map(({ event }) => event)).toEqual(["started", "ended", "recovered"]);
});

test("a stream that nobody follows opens and closes, and keeps its recent events", async () => {
  const events = new StreamEvents({ id: "a", logId: "abcd1234" });
  events.follow(() => null);
  events.open();
  events.report({ type: "params_changed" });
  await events.close(null);
  expect(events.recent.all).toHaveLength(1);
});
