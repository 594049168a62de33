import { expect, test } from "bun:test";
import { recent } from "../../../src/server/recent.ts";

test("who asks while it is read, or soon after, gets the same reading", async () => {
  const readings: PromiseWithResolvers<number>[] = [];
  const get = recent(() => {
    const reading = Promise.withResolvers<number>();
    readings.push(reading);
    return reading.promise;
  }, 60_000);
  const both = [get(), get()];
  readings[0]?.resolve(7);
  expect(await Promise.all([...both, get()])).toEqual([7, 7, 7]);
  expect(readings).toHaveLength(1);
});

test("an old reading is read again, one at a time", async () => {
  let readings = 0;
  const get = recent(async () => ++readings, 0);
  expect(await Promise.all([get(), get(), get()])).toEqual([1, 1, 1]);
  expect(await get()).toBe(2);
});

test("a failure is passed on and not remembered", async () => {
  let readings = 0;
  const get = recent(async () => {
    if (++readings === 1) throw new Error("not now");
    return readings;
  }, 60_000);
  await expect(get()).rejects.toThrow("not now");
  expect(await get()).toBe(2);
});
