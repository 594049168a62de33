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

test("a run that takes far longer than usual gives up its lane, and leaves later without harm", async () => {
  const gate = new DeviceGate(1);
  const log: string[] = [];
  (await enter(gate, "hung", model(0), log))(); // its usual length: nothing
  const hung = await enter(gate, "hung", model(0), log);
  const began = performance.now();
  const other = await enter(gate, "other", model(1), log);
  expect(performance.now() - began).toBeGreaterThan(200);
  const third = enter(gate, "third", model(2), log);
  hung();
  other();
  (await third)();
  expect(log).toEqual(["hung", "hung", "other", "third"]);
});

test("a run that becomes overdue while the gate looks does not stop it", async () => {
  let now = 0;
  let step = 0;
  const gate = new DeviceGate(1, () => (now += step));
  const log: string[] = [];
  (await enter(gate, "hung", model(0), log))();
  await enter(gate, "hung", model(0), log);
  now = 249.999; // overdue at 250
  step = 0.0008;
  await enter(gate, "other", model(1), log);
  expect(log).toEqual(["hung", "hung", "other"]);
});

test("those who wait for an abandoned model are turned away, and nobody else", async () => {
  const gate = new DeviceGate(1);
  const log: string[] = [];
  const hung = await enter(gate, "a", model(0), log);
  const same = enter(gate, "b", model(0), log);
  const other = enter(gate, "c", model(1), log);
  gate.abandon(model(0), new Error("a run hangs"));
  await expect(same).rejects.toThrow("a run hangs");
  hung();
  (await other)();
  expect(log).toEqual(["a", "c"]);
});

/** Streams that share a device on a clock of their own; `every`: a frame so often, absent: as soon as the last is done. */
interface Stream {
  readonly key: string;
  readonly model: object;
  readonly ms: number;
  readonly every?: number;
  readonly from?: number;
}

/** Runs that each stream was given within `forMs`, newest frame first. */
async function share(lanes: number, forMs: number, streams: readonly Stream[]) {
  let now = 0;
  const due: { readonly at: number; readonly go: () => void }[] = [];
  const at = (time: number) => new Promise<void>((go) => void due.push({ at: time, go }));
  const gate = new DeviceGate(lanes, () => now);
  const runs = new Map<string, number[]>();
  for (const { key, model: which, ms, every = 0, from = 0 } of streams) {
    const began: number[] = runs.get(key) ?? [];
    runs.set(key, began);
    const live = async () => {
      await at(from);
      for (;;) {
        const leave = await gate.enter(key, which);
        began.push(now);
        const asked = now;
        await at(now + ms);
        leave();
        // The next frame is decoded in a moment, or has to be made first.
        await at(every === 0 ? now + 1 : Math.max(now + 1, asked + every));
      }
    };
    live().catch(() => {});
  }
  for (;;) {
    for (let tick = 0; tick < 20; tick++) await null;
    const next = due.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined || next.at > forMs) break;
    due.splice(due.indexOf(next), 1);
    now = next.at;
    next.go();
  }
  gate.close(new Error("over"));
  return (key: string, since = 0): number =>
    (runs.get(key) ?? []).filter((time) => time >= since).length;
}

const slow = (index: number, key = `slow ${index}`): Stream => ({
  key,
  model: model(index),
  ms: 285,
});

test("short runs are not held up by three streams of long ones, which lose next to nothing", async () => {
  const alone = await share(
    1,
    10_000,
    [0, 1, 2].map((index) => slow(index)),
  );
  const fast = { key: "fast", model: model(5), ms: 1, every: 33 };
  const runs = await share(1, 10_000, [...[0, 1, 2].map((index) => slow(index)), fast]);
  // After its first run, until which nobody knows how short it is, none waits for long.
  expect(runs("fast")).toBeGreaterThan(270);
  for (const key of ["slow 0", "slow 1", "slow 2"]) {
    expect(runs(key)).toBeGreaterThanOrEqual(alone(key) - 1);
  }
});

test("where no run is short, a lane's time is shared evenly, whatever one run takes", async () => {
  const runs = await share(1, 30_000, [
    { key: "long", model: model(0), ms: 200 },
    { key: "middle", model: model(1), ms: 100 },
    { key: "also long", model: model(2), ms: 200 },
  ]);
  const [long, middle] = [runs("long") * 200, runs("middle") * 100];
  expect(runs("also long") * 200).toBeWithin(long - 201, long + 201);
  // One frame in flight: it cannot have two runs in a row while others wait, so one a turn is all there is.
  expect(middle).toBeGreaterThan(long * 0.9);
});

test("streams that come later delay the others by half a second each at most", async () => {
  const late = [1, 2].map((index) => ({
    key: `late ${index}`,
    model: model(index),
    ms: 50,
    from: 20_000,
  }));
  const runs = await share(1, 40_000, [{ key: "old", model: model(0), ms: 50 }, ...late]);
  const third = 20_000 / 3;
  for (const key of ["old", "late 1", "late 2"]) {
    expect(runs(key, 20_000) * 50).toBeWithin(third - 1100, third + 1100);
  }
});

test("short runs that go on and on get beside long ones what is fair, and no more", async () => {
  const many = { key: "many", model: model(5), ms: 30 };
  const runs = await share(1, 30_000, [...[0, 1, 2].map((index) => slow(index)), many]);
  expect(runs("many") * 30).toBeWithin(runs("slow 1") * 285 - 600, runs("slow 1") * 285 + 600);
});

test("pictures of one key share like one stream, however many wait", async () => {
  const pictures = [1, 2, 3, 4].map((index) => slow(index, "pictures"));
  const runs = await share(1, 30_000, [slow(0), ...pictures]);
  expect(Math.abs(runs("pictures") - runs("slow 0"))).toBeLessThanOrEqual(3);
});

test("of short runs one goes beside a long one, and the next beside neither", async () => {
  let now = 0;
  const gate = new DeviceGate(1, () => now);
  const run = async (index: number, ms: number) => {
    const leave = await gate.enter(`of ${index}`, model(index));
    now += ms;
    leave();
  };
  for (const index of [0, 1, 2]) await run(index, index === 0 ? 300 : 1);
  const log: string[] = [];
  const long = await enter(gate, "long", model(0), log);
  now += 10;
  const first = await enter(gate, "first", model(1), log);
  const second = enter(gate, "second", model(2), log);
  expect(log).toEqual(["long", "first"]);
  first();
  (await second)();
  long();
  expect(log).toEqual(["long", "first", "second"]);
});

test("the first run of a new key, if it is expected to be long, keeps no short ones out", async () => {
  let now = 0;
  const gate = new DeviceGate(1, () => now);
  // A neighbour that has used the device for a while: a new key comes with credit against it.
  for (let run = 0; run < 200; run++) {
    const leave = await gate.enter("neighbour", model(1));
    now += 10;
    leave();
  }
  const log: string[] = [];
  const leave = await gate.enter("new", model(0), undefined, 1000);
  now += 15;
  (await enter(gate, "neighbour", model(1), log))();
  expect(log).toEqual(["neighbour"]);
  leave();
});

test("a short model that was slow for some runs, as the machine was busy, still counts as short", async () => {
  let now = 0;
  const gate = new DeviceGate(1, () => now);
  const run = async (which: object, ms: number): Promise<void> => {
    const leave = await gate.enter("any", which);
    now += ms;
    leave();
  };
  await run(model(0), 300);
  for (const ms of [1, 60, 60, 60, 60, 60, 60, 60]) await run(model(1), ms);
  const log: string[] = [];
  const long = await enter(gate, "long", model(0), log);
  now += 1;
  (await enter(gate, "short", model(1), log))();
  expect(log).toEqual(["long", "short"]);
  long();
});
