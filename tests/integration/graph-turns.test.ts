/** Graphs that share a thread: a slow one takes turns with the others, and ends when it is no longer wanted. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TooLate } from "../../src/engine/device/job.ts";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { plain } from "../../src/engine/models/roles/frame.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

setDefaultTimeout(60_000);

const SIZE = { width: 512, height: 512 };

/** The frame through so many blurs, some milliseconds each. */
function blurs(count: number): string {
  const nodes: Record<string, object> = { load: { class_type: "LoadTensor", inputs: {} } };
  let last = "load";
  for (let at = 0; at < count; at++) {
    const inputs = { image: [last, 0], blur_radius: 31, sigma: 10 };
    nodes[`blur ${at}`] = { class_type: "ImageBlur", inputs };
    last = `blur ${at}`;
  }
  return JSON.stringify({
    ...nodes,
    save: { class_type: "SaveTensor", inputs: { images: [last, 0] } },
  });
}

const QUICK = blurs(0);
const SLOW = blurs(900);

let workspace: OnnxWorkspace;
let host: ModelHost;
let model: LoadedModel;
beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  host = await workspace.host();
  model = await host.acquire(await host.graphModel([QUICK], { kind: "stream", hasInput: true }));
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

/** One frame of a stream through a graph. */
async function draw(stream: string, graph: string, signal?: AbortSignal) {
  const picture = plain(SIZE, 200);
  return await model.run({
    key: stream,
    lane: stream,
    calls: UNRECORDED_CALLS,
    size: SIZE,
    picture,
    original: picture,
    values: { prompts: { prompts: [], graphs: [graph] } },
    ...(signal && { signal }),
  });
}

const endOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "drawn",
    (error: unknown) => error,
  );

test("a quick graph is drawn while a slow one of another stream is under way", async () => {
  const stop = new AbortController();
  const end = endOf(draw("slow", SLOW, stop.signal));
  let isOver = false;
  void end.then(() => {
    isOver = true;
  });
  for (let at = 0; at < 10; at++) {
    const { picture } = await draw("quick", QUICK);
    expect(picture?.data[0]).toBe(200);
  }
  expect(isOver).toBe(false);
  stop.abort();
  await end;
});

test("a run ends when its signal does, and the stream can be drawn again", async () => {
  const stop = new AbortController();
  const end = endOf(draw("leaving", SLOW, stop.signal));
  await draw("quick", QUICK); // the slow one has begun
  const since = performance.now();
  stop.abort(new DOMException("the caller left", "AbortError"));
  expect(await end).toMatchObject({ name: "AbortError" });
  const { picture } = await draw("leaving", QUICK);
  expect(picture?.data[0]).toBe(200);
  expect(performance.now() - since).toBeLessThan(5000); // all of it takes longer
});

test("a run that is abandoned ends as one that came too late, if it takes long", async () => {
  const end = endOf(draw("changing", SLOW));
  await draw("quick", QUICK); // the slow one has begun
  model.abandon?.("changing");
  expect(await end).toBeInstanceOf(TooLate);
});

test("closing the host ends runs in progress", async () => {
  await using other = await workspace.host();
  const its = await other.acquire(
    await other.graphModel([QUICK], { kind: "stream", hasInput: true }),
  );
  const picture = plain(SIZE, 200);
  const end = endOf(
    its.run({
      key: "a",
      lane: "a",
      calls: UNRECORDED_CALLS,
      size: SIZE,
      picture,
      original: picture,
      values: { prompts: { prompts: [], graphs: [SLOW] } },
    }),
  );
  const since = performance.now();
  await other[Symbol.asyncDispose]();
  expect(await end).toBeInstanceOf(Error);
  expect(performance.now() - since).toBeLessThan(1900); // one that hangs is left to itself after 2 s
});
