import { describe, expect, test } from "bun:test";
import { type Stage, StageGroup } from "../../../src/streams/stage.ts";

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no failure",
    (reason) => reason,
  );

/** A stage that writes down what happens to it; each transform waits until it is let go. */
function recorder() {
  const events: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const begun: PromiseWithResolvers<void> = Promise.withResolvers();
  const stage: Stage<number, number> = {
    async transform(item, controller) {
      events.push(`begin ${item}`);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      begun.resolve();
      try {
        await gate.promise;
        controller.enqueue(item);
      } finally {
        events.push(`end ${item}`);
      }
    },
    flush: () => void events.push("flush"),
    cancel: (reason) => void events.push(`cancel ${reason}`),
    dispose: () => void events.push("dispose"),
  };
  return { stage, events, gates, begun: begun.promise };
}

const source = (...items: number[]): ReadableStream<number> =>
  new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });

const drain = (): WritableStream<number> => new WritableStream();

describe("a stage is disposed once, when nothing of it runs", () => {
  test("at the end, after the flush", async () => {
    const { stage, events, gates, begun } = recorder();
    const group = new StageGroup();
    const pipe = source(1).pipeThrough(group.add(stage)).pipeTo(drain());
    await begun;
    gates[0]?.resolve();
    await pipe;
    await group.settled();
    expect(events).toEqual(["begin 1", "end 1", "flush", "dispose"]);
  });

  test("when a transform throws", async () => {
    const { stage, events, gates, begun } = recorder();
    const group = new StageGroup();
    const pipe = failure(source(1, 2).pipeThrough(group.add(stage)).pipeTo(drain()));
    await begun;
    gates[0]?.reject(new Error("broken"));
    expect(await pipe).toEqual(new Error("broken"));
    await group.settled();
    expect(events.slice(0, 2)).toEqual(["begin 1", "end 1"]);
    expect(events.filter((event) => event === "dispose").length).toBe(1);
    expect(events).not.toContain("flush");
  });

  test("when a transform throws at once", async () => {
    const events: string[] = [];
    const group = new StageGroup();
    const stage: Stage<number, number> = {
      transform() {
        throw new Error("at once");
      },
      dispose: () => void events.push("dispose"),
    };
    expect(await failure(source(1).pipeThrough(group.add(stage)).pipeTo(drain()))).toEqual(
      new Error("at once"),
    );
    await group.settled();
    expect(events).toEqual(["dispose"]);
  });

  test("when the flush throws", async () => {
    const events: string[] = [];
    const group = new StageGroup();
    const stage: Stage<number, number> = {
      transform: (item, controller) => controller.enqueue(item),
      flush() {
        throw new Error("flush");
      },
      dispose: () => void events.push("dispose"),
    };
    expect(await failure(source(1).pipeThrough(group.add(stage)).pipeTo(drain()))).toEqual(
      new Error("flush"),
    );
    await group.settled();
    expect(events).toEqual(["dispose"]);
  });

  test("when the reader leaves in mid-transform: only after that one has ended", async () => {
    const { stage, events, gates, begun } = recorder();
    const group = new StageGroup();
    const reader = source(1, 2).pipeThrough(group.add(stage)).getReader();
    const read = failure(reader.read());
    await begun;
    const left = reader.cancel("gone");
    await Promise.resolve();
    expect(events).toEqual(["begin 1", "cancel gone"]);
    gates[0]?.resolve();
    await Promise.all([left, read]);
    await group.settled();
    expect(events).toEqual(["begin 1", "cancel gone", "end 1", "dispose"]);
  });

  test("when the pipe is aborted in mid-transform: only after that one has ended", async () => {
    const { stage, events, gates, begun } = recorder();
    const group = new StageGroup();
    const abort = new AbortController();
    const pipe = failure(
      source(1, 2).pipeThrough(group.add(stage)).pipeTo(drain(), { signal: abort.signal }),
    );
    await begun;
    abort.abort("stop");
    await Promise.resolve();
    expect(events).not.toContain("dispose");
    gates[0]?.resolve();
    expect(await pipe).toBe("stop");
    await group.settled();
    expect(events.slice(-2)).toEqual(["end 1", "dispose"]);
    expect(events.filter((event) => event === "dispose").length).toBe(1);
  });

  test("when the source fails, and when it fails in mid-transform", async () => {
    for (const inMidTransform of [false, true]) {
      const { stage, events, gates, begun } = recorder();
      const group = new StageGroup();
      const fed = new TransformStream<number, number>();
      const writer = fed.writable.getWriter();
      const pipe = failure(fed.readable.pipeThrough(group.add(stage)).pipeTo(drain()));
      if (inMidTransform) {
        await writer.write(1);
        await begun;
      }
      const aborted = writer.abort(new Error("source"));
      if (inMidTransform) expect(events).not.toContain("dispose");
      gates[0]?.resolve();
      await aborted;
      expect(await pipe).toEqual(new Error("source"));
      await group.settled();
      expect(events.filter((event) => event === "dispose").length).toBe(1);
    }
  });

  test("when the pipe is aborted before it has begun", async () => {
    const { stage, events } = recorder();
    const group = new StageGroup();
    const pipe = source(1)
      .pipeThrough(group.add(stage))
      .pipeTo(drain(), { signal: AbortSignal.abort("early") });
    expect(await failure(pipe)).toBe("early");
    await group.settled();
    expect(events).toContain("dispose");
  });
});

test("settled waits for every stage, then passes on what a release threw before", async () => {
  const group = new StageGroup();
  const events: string[] = [];
  const pass = (item: number, controller: TransformStreamDefaultController<number>): void =>
    controller.enqueue(item);
  const first: Stage<number, number> = {
    transform: pass,
    dispose() {
      throw new Error("release");
    },
  };
  const slow = Promise.withResolvers<void>();
  const second: Stage<number, number> = {
    transform: pass,
    async dispose() {
      await slow.promise;
      events.push("second released");
    },
  };
  const pipe = failure(
    source(1).pipeThrough(group.add(first)).pipeThrough(group.add(second)).pipeTo(drain()),
  );
  // The first has thrown by now, and nobody has asked yet: that is no unhandled rejection.
  await new Promise((resolve) => setImmediate(resolve));
  const settled = failure(group.settled()).then((reason) => {
    events.push("settled");
    return reason;
  });
  await new Promise((resolve) => setImmediate(resolve));
  slow.resolve();
  await pipe;
  expect(await settled).toEqual(new Error("release"));
  expect(events).toEqual(["second released", "settled"]);
});

test("a readable mark of 1 lets a stage work on while its reader is busy, 0 does not", async () => {
  for (const [mark, ahead] of [
    [0, 1],
    [1, 2],
  ] as const) {
    const group = new StageGroup();
    const worked: number[] = [];
    const stage: Stage<number, number> = {
      transform(item, controller) {
        worked.push(item);
        controller.enqueue(item);
      },
    };
    const reader = source(1, 2, 3, 4, 5).pipeThrough(group.add(stage, mark)).getReader();
    await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect(worked.length).toBe(ahead);
    await reader.cancel();
    await group.settled();
  }
});
