import { expect, test } from "bun:test";
import { WorkerError } from "../../../../src/errors.ts";
import { HttpError } from "../../../../src/server/http/http-error.ts";
import type { RunningJob } from "../../../../src/server/http/jobs/running-jobs.ts";
import { BodyBudget, readJson } from "../../../../src/server/http/json-body.ts";

const KIB = 1024;

/** A request whose body is handed over by the caller, chunk by chunk. */
function slowRequest(headers: Record<string, string> = {}) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const init = { method: "POST", body: readable, headers };
  return { request: new Request("http://localhost/", init), writer };
}

const request = (body: string, headers: Record<string, string> = {}) =>
  new Request("http://localhost/", { method: "POST", body, headers });

const failure = async (reading: Promise<unknown>) => {
  const error = await reading.catch((reason: unknown) => reason);
  if (error instanceof WorkerError || error instanceof HttpError) return error.kind;
  throw new Error(`not refused: ${error}`);
};

test.each([
  ['{"a":1}', { a: 1 }],
  ["", null],
  [" \n", null],
  ['"ü"', "ü"],
])("%j is read, with and without its length", async (text, value) => {
  const length = { "content-length": `${Buffer.byteLength(text)}` };
  expect(await readJson(request(text))).toEqual(value);
  expect(await readJson(request(text, length))).toEqual(value);
});

test("a length that is declared twice, as HTTP allows it, is a length", async () => {
  const twice = { "content-length": "7, 7" };
  expect(await readJson(request('{"a":1}', twice))).toEqual({ a: 1 });
  expect(await failure(readJson(request('{"a":1}', twice), { maxBytes: 6 }))).toBe(
    "body_too_large",
  );
});

test("a body beyond its limit is refused, by its length before it is read", async () => {
  const { request: declared } = slowRequest({ "content-length": "2000" });
  expect(await failure(readJson(declared, { maxBytes: 1000 }))).toBe("body_too_large");
  const { request: chunked, writer } = slowRequest();
  const reading = failure(readJson(chunked, { maxBytes: 1000 }));
  void writer.write(new Uint8Array(1001)).catch(() => {}); // the reader leaves
  expect(await reading).toBe("body_too_large");
});

test("bodies that are read at the same time share one budget, and return what they held", async () => {
  const budget = new BodyBudget(100 * KIB);
  const first = slowRequest();
  const reading = readJson(first.request, { budget });
  await first.writer.write(new Uint8Array(90 * KIB).fill(32));
  const { request: large } = slowRequest({ "content-length": `${70 * KIB}` });
  expect(await failure(readJson(large, { budget }))).toBe("at_capacity");
  const second = slowRequest();
  const refused = failure(readJson(second.request, { budget }));
  void second.writer.write(new Uint8Array(20 * KIB)).catch(() => {}); // the reader leaves
  expect(await refused).toBe("at_capacity");
  await first.writer.close();
  expect(await reading).toBeNull();
  budget.hold(100 * KIB);
  expect(() => budget.hold(1)).toThrow("try later");
});

test("reading stops when the signal aborts, and returns what it held", async () => {
  const budget = new BodyBudget(10 * KIB);
  const { request: slow, writer } = slowRequest();
  const leave = new AbortController();
  const reading = readJson(slow, { budget, reader: readerOf(leave) });
  await writer.write(new Uint8Array(5 * KIB));
  leave.abort(new Error("gone"));
  await expect(reading).rejects.toThrow("gone");
  budget.hold(10 * KIB);
});

test.each([{}, { "content-length": "100" }])(
  "a body that takes too long is given up, with headers %j",
  async (headers) => {
    const late = slowRequest(headers);
    void late.writer.write(new Uint8Array(10)).catch(() => {}); // the reader leaves
    expect(await failure(readJson(late.request, { timeoutMs: 20 }))).toBe("timeout");
    const abandoned = slowRequest(headers);
    void abandoned.writer.write(new Uint8Array(10)).catch(() => {}); // the reader leaves
    const leave = new AbortController();
    const reading = readJson(abandoned.request, { reader: readerOf(leave) });
    leave.abort(new Error("gone"));
    await expect(reading).rejects.toThrow("gone");
  },
);

test("a small body that comes after the end of its reader is not returned", async () => {
  const leave = new AbortController();
  const { request: slow, writer } = slowRequest({ "content-length": "2" });
  const reading = readJson(slow, { reader: readerOf(leave), timeoutMs: null });
  leave.abort(new Error("gone"));
  void writer.write(new TextEncoder().encode("{}"));
  void writer.close();
  await expect(reading).rejects.toThrow("gone");
});

const readerOf = ({ signal }: AbortController): RunningJob => ({
  signal,
  throwIfEnded: () => signal.throwIfAborted(),
});
