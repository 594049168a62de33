import { afterEach, expect, jest, test } from "bun:test";
import { WorkerError } from "../../../../../src/errors.ts";
import {
  eventStream,
  type JobOutcome,
  type JobProgress,
} from "../../../../../src/server/http/jobs/event-stream.ts";
import { pushable } from "../../../../../src/streams/push-readable.ts";

afterEach(() => void jest.useRealTimers());

function streamOf(outcome: Promise<JobOutcome>, steps: JobProgress[] = []) {
  const queue = pushable<JobProgress>();
  for (const step of steps) queue.push(step);
  queue.end();
  return eventStream(queue.readable, outcome, () => {});
}

/** What a client does: parts are joined in order. */
function read(text: string) {
  const events = text
    .split("\n\n")
    .filter((block) => block.startsWith("data: {"))
    .map((block) => JSON.parse(block.slice(6)) as Record<string, unknown>);
  const json = events.filter(({ type }) => type === "result").map((one) => one["json"]);
  return { events, answer: json.length > 0 ? (JSON.parse(json.join("")) as unknown) : null };
}

test("progress, metadata, the answer in parts and [DONE] are sent in this order", async () => {
  const answer = { success: true, images: [{ data: "data:image/png;base64,AQID" }] };
  const outcome = Promise.resolve({ answer, metadata: { seed: 7 } });
  const response = streamOf(outcome, [{ step: "queued", elapsed_ms: 3 }]);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const text = await response.text();
  expect(text).toEndWith("}\n\ndata: [DONE]\n\n");
  const { events, answer: joined } = read(text);
  expect(events.slice(0, 2)).toEqual([
    { type: "progress", step: "queued", elapsed_ms: 3 },
    { type: "metadata", metadata: { seed: 7 } },
  ]);
  expect(joined).toEqual(answer);
});

test.each([
  ["base64", "QUJD".repeat(400_000)],
  ["quotes and backslashes", '"\\'.repeat(60_000)],
  ["three-byte characters", "漢".repeat(100_000)],
  ["pairs that the parts tear", `x${"😀".repeat(60_000)}`],
  ["brackets that would end it", "[DONE]".repeat(30_000)],
  ["a lone surrogate", "\ud83d".repeat(30_000)],
])("an answer full of %s arrives whole, in lines below 64 KiB", async (_what, text) => {
  const written = await streamOf(Promise.resolve({ answer: { text }, metadata: null })).text();
  expect(read(written).answer).toEqual({ text });
  const lines = written.split("\n");
  const longest = Math.max(...lines.map((line) => Buffer.byteLength(line)));
  expect(longest).toBeLessThan(65_536);
  expect(lines.filter((line) => line.includes("[DONE]"))).toEqual(["data: [DONE]"]);
});

test("a failure is sent as an event with the error body, followed by [DONE]", async () => {
  const failed = Promise.reject(new WorkerError("timeout", "too slow for [DONE]"));
  const text = await streamOf(failed).text();
  expect(read(text).events).toEqual([
    {
      type: "error",
      success: false,
      status: "error",
      code: "timeout",
      error: "too slow for [DONE]",
      message: "too slow for [DONE]",
    },
  ]);
  expect(text.split("\n").filter((line) => line.includes("[DONE]"))).toEqual(["data: [DONE]"]);
});

test("the details of an unexpected error are not sent", async () => {
  const text = await streamOf(Promise.reject(new Error("secret path"))).text();
  expect(text).not.toContain("secret path");
  expect(read(text).events[0]).toMatchObject({ type: "error", code: "internal" });
});

test("a job without progress sends a comment every 10 s", async () => {
  jest.useFakeTimers();
  const outcome = Promise.withResolvers<JobOutcome>();
  const response = streamOf(outcome.promise);
  const text = response.text();
  jest.advanceTimersByTime(35_000);
  outcome.resolve({ answer: 1, metadata: null });
  const comments = (await text).split("\n\n").filter((block) => block.startsWith(":"));
  expect(comments).toHaveLength(3);
  jest.advanceTimersByTime(60_000); // and nothing is written to a stream that has ended
});

test("the job learns that its reader has left", async () => {
  const left = Promise.withResolvers<void>();
  const never = new Promise<JobOutcome>(() => {});
  const queue = pushable<JobProgress>();
  queue.push({ step: "queued", elapsed_ms: 0 });
  const reader = eventStream(queue.readable, never, left.resolve).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await left.promise;
});
