import { expect, test } from "bun:test";
import { CallJournal, JOURNAL_BYTES } from "../../../../src/engine/protocol/call-journal.ts";

/** The same memory, as the engine writes it and as the server reads it. */
function bothSides() {
  const memory = new Uint8Array(JOURNAL_BYTES);
  return { engine: new CallJournal(memory), server: new CallJournal(memory) };
}

test("a call is in flight from its begin to its disposal, for whoever shares the memory", () => {
  const { engine, server } = bothSides();
  {
    using _call = engine.begin(7, "decode", 500);
    const [call, ...more] = server.inFlight();
    expect(more).toEqual([]);
    expect(call).toMatchObject({ work: 7, kind: "decode", allowedMs: 500 });
  }
  expect(server.inFlight()).toEqual([]);
});

test("calls overlap and finish in any order", () => {
  const { engine, server } = bothSides();
  const kinds = ["probe", "boot", "load", "run", "encode"] as const;
  const calls = kinds.map((kind, work) => engine.begin(work, kind, 1000));
  expect(server.inFlight().map(({ kind }) => kind)).toEqual([...kinds]);
  for (const index of [1, 4, 0]) calls[index]?.[Symbol.dispose]();
  expect(server.inFlight().map(({ work }) => work)).toEqual([2, 3]);
  using _later = engine.begin(5, "run", 1000);
  const serials = server
    .inFlight()
    .toSorted((a, b) => a.work - b.work)
    .map(({ serial }) => serial);
  expect(serials).toEqual(serials.toSorted((a, b) => a - b));
  expect(new Set(serials).size).toBe(3);
});

test("more calls than there is room for go unrecorded and disturb nothing", () => {
  const { engine, server } = bothSides();
  const calls = Array.from({ length: 300 }, (_, work) => engine.begin(work, "run", 1000));
  expect(server.inFlight()).toHaveLength(256);
  for (const call of calls) call[Symbol.dispose]();
  expect(server.inFlight()).toEqual([]);
  using _again = engine.begin(1, "run", 1000);
  expect(server.inFlight()).toHaveLength(1);
});
