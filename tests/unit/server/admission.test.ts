import { expect, test } from "bun:test";
import { Admission } from "../../../src/server/admission.ts";

test("beyond its capacity nothing is admitted, until a place is given back", () => {
  const places = new Admission(2);
  const first = places.take();
  places.admit();
  places.take();
  expect(() => places.admit()).toThrow("all 2 places");
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(places.taken).toBe(1);
  places.admit();
});

test("it tells each time that the last place is given back, and only then", async () => {
  const places = new Admission(3);
  let times = 0;
  const count = () => void places.emptied.then(() => times++);
  count();
  const [one, two] = [places.take(), places.take()];
  one[Symbol.dispose]();
  await Promise.resolve();
  expect(times).toBe(0);
  two[Symbol.dispose]();
  await Promise.resolve();
  expect(times).toBe(1);
  count();
  places.take()[Symbol.dispose]();
  await Promise.resolve();
  expect(times).toBe(2);
});

test("a closed one admits nothing and waits for what is left", async () => {
  const places = new Admission(1);
  const last = places.take();
  let closed = false;
  const closing = places.close().then(() => {
    closed = true;
  });
  expect(() => places.admit()).toThrow("shutting down");
  await Promise.resolve();
  expect(closed).toBe(false);
  last[Symbol.dispose]();
  await closing;
  await places.close();
});
