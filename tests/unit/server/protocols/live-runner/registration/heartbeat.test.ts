import { expect, test } from "bun:test";
import { readHeartbeatAnswer } from "../../../../../../src/server/protocols/live-runner/registration/heartbeat.ts";

const given = {
  runner_id: "r",
  orchestrator: "http://orch:8935",
  heartbeat_interval: "1m0s",
  heartbeat_ttl: "1m30s",
  heartbeat_secret: "s",
  o2r: {
    name: "o2r",
    channel_name: "r-o2r",
    url: "http://orch/o2r",
    mime_type: "application/json",
  },
  session_ids: ["a"],
};
const read = (body: object) => readHeartbeatAnswer(JSON.stringify(body));

test("R2: an answer's interval and time to live are Go durations", () => {
  expect(read(given)).toEqual({
    runnerId: "r",
    orchestrator: "http://orch:8935",
    intervalMs: 60_000,
    ttlMs: 90_000,
    secret: "s",
    o2rUrl: "http://orch/o2r",
    sessionIds: ["a"],
  });
  expect(read({ ...given, heartbeat_interval: "500ms" })?.intervalMs).toBe(500);
});

test("an interval that cannot be read, or would be a flood, is replaced", () => {
  expect(read({ ...given, heartbeat_interval: "soon", heartbeat_ttl: "" })).toMatchObject({
    intervalMs: 5000,
    ttlMs: 20_000,
  });
  expect(read({ ...given, heartbeat_interval: "1ns" })?.intervalMs).toBe(50);
});

test("members that Go leaves out or writes as null are empty", () => {
  const empty = { orchestrator: null, secret: null, o2rUrl: null, sessionIds: [] };
  expect(read({ runner_id: "r" })).toMatchObject(empty);
  expect(
    read({ runner_id: "r", session_ids: null, o2r: null, heartbeat_secret: "" }),
  ).toMatchObject(empty);
});

test.each(["", "ok", "[]", "null", "{}", '{"runner_id":7}', '{"runner_id":"r","session_ids":[1]}'])(
  "%j is not a heartbeat's answer",
  (text) => {
    expect(readHeartbeatAnswer(text)).toBeNull();
  },
);
