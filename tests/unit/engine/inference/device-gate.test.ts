import { expect, test } from "bun:test";
import { DeviceGate } from "../../../../src/engine/inference/device-gate.ts";

const models = Array.from({ length: 6 }, (_, index) => ({ index }));
const model = (index: number): object => models[index] ?? {};

/** Joins the queue and notes who came in; leaves when asked. */
function enter(gate: DeviceGate, key: string, which: object, log: string[], signal?: AbortSignal) {
  const entered = gate.enter(key, which, signal).then((leave) => {
    log.push(key);
    return leave;
  });
  entered.catch(() => {});
  return entered;
}

test("no more run at once than there are lanes", async () => {
  const gate = new DeviceGate(2);
  const log: string[] = [];
  const first = enter(gate, "a", model(0), log);
  void enter(gate, "b", model(1), log);
  const third = enter(gate, "c", model(2), log);
  (await first)();
  await third;
  expect(log).toEqual(["a", "b", "c"]);
});

test("a stream that queues much does not hold up one that queues little", async () => {
  const gate = new DeviceGate(1);
  const log: string[] = [];
  const one = model(0);
  const greedy = [1, 2, 3].map(() => enter(gate, "greedy", one, log));
  const modest = enter(gate, "modest", one, log);
  for (const entered of [greedy[0], greedy[1], modest, greedy[2]]) (await entered)?.();
  expect(log).toEqual(["greedy", "greedy", "modest", "greedy"]);
});

test("a model that is busy leaves the free lane to another", async () => {
  const gate = new DeviceGate(2);
  const log: string[] = [];
  const first = await enter(gate, "a", model(0), log);
  const second = enter(gate, "b", model(0), log);
  const third = await enter(gate, "c", model(1), log);
  expect(log).toEqual(["a", "c"]);
  third();
  first();
  await second;
  expect(log).toEqual(["a", "c", "b"]);
});

test("whoever gives up waiting is passed over, with the signal's reason", async () => {
  const gate = new DeviceGate(1);
  const log: string[] = [];
  const first = await enter(gate, "a", model(0), log);
  const stop = new AbortController();
  const second = enter(gate, "b", model(1), log, stop.signal);
  const third = enter(gate, "c", model(2), log);
  stop.abort(new Error("viewer left"));
  await expect(second).rejects.toThrow("viewer left");
  first();
  await third;
  expect(log).toEqual(["a", "c"]);
  await expect(gate.enter("d", model(3), stop.signal)).rejects.toThrow("viewer left");
});

test("a closed gate turns away those who wait and those who come", async () => {
  const gate = new DeviceGate(1);
  const log: string[] = [];
  const first = await enter(gate, "a", model(0), log);
  const second = enter(gate, "b", model(1), log);
  gate.close(new Error("closing"));
  await expect(second).rejects.toThrow("closing");
  await expect(gate.enter("c", model(2))).rejects.toThrow("closing");
  first();
  expect(log).toEqual(["a"]);
});
