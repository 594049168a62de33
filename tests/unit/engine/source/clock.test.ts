import { expect, test } from "bun:test";
import type { Tick } from "../../../../src/engine/codec/video-frame.ts";
import { clock } from "../../../../src/engine/source/clock.ts";
import { ticks } from "../../../../src/media/time.ts";

const at = (stream: ReadableStream<Tick>) => {
  const reader = stream.getReader();
  return {
    reader,
    next: async (): Promise<Tick> => {
      const { value } = await reader.read();
      if (!value) throw new Error("the clock ended");
      return value;
    },
  };
};

/** Keeps the thread busy: a reader that is slow. */
function busy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("ticks come at the rate, the first at once, none before it is due", async () => {
  const { reader, next } = at(clock(ticks(1000), () => 100));
  const first = await next();
  expect(first.arrivedAt).toBeLessThanOrEqual(performance.now());
  expect(first.pts as number).toBe(1000);
  for (let index = 0; index < 20; index++) {
    const tick = await next();
    expect(performance.now()).toBeGreaterThanOrEqual(tick.arrivedAt - 1);
    // A busy machine may miss some.
    const due = Math.round((tick.arrivedAt - first.arrivedAt) / 10);
    expect(due).toBeGreaterThan(index);
    expect(tick.pts as number).toBe(1000 + due * 900);
  }
  await reader.cancel();
});

test("a slow reader misses ticks: what it gets is never older than one interval", async () => {
  const { reader, next } = at(clock(ticks(0), () => 100));
  let last = (await next()).pts as number;
  for (let round = 0; round < 5; round++) {
    busy(55);
    const tick = await next();
    expect(performance.now() - tick.arrivedAt).toBeLessThan(30);
    expect(tick.pts - last).toBeGreaterThanOrEqual(4500);
    expect(tick.pts % 900).toBe(0);
    last = tick.pts;
  }
  await reader.cancel();
});

test("the rate is asked again for every tick", async () => {
  let fps = 100;
  const { reader, next } = at(clock(ticks(0), () => fps));
  await next();
  const second = await next();
  fps = 50;
  await next();
  const fourth = await next();
  expect(fourth.pts - second.pts).toBeGreaterThanOrEqual(900 + 1800);
  await reader.cancel();
});

test("a reader that leaves while it waits ends the wait and the timer", async () => {
  const { reader, next } = at(clock(ticks(0), () => 0.01));
  await next();
  const waiting = reader.read();
  await reader.cancel();
  expect((await waiting).done).toBe(true);
  const alone = Bun.spawnSync({
    cmd: [
      process.execPath,
      "-e",
      `import { clock } from ${JSON.stringify(`${import.meta.dir}/../../../../src/engine/source/clock.ts`)};
       const reader = clock(0, () => 0.01).getReader();
       await reader.read();
       const waiting = reader.read();
       await reader.cancel();
       await waiting;`,
    ],
    timeout: 10_000,
  });
  expect(alone.exitCode).toBe(0);
});
