import { describe, expect, test } from "bun:test";
import { Admission, pictureLoad, streamLoad } from "../../../src/server/admission.ts";
import { CLOCK_DEFAULTS, INPUT_DEFAULTS } from "../../../src/server/streams/params.ts";
import { ahead } from "../../support/ahead.ts";
import { recordLogs } from "../../support/log-records.ts";

test("beyond its capacity nothing is admitted, until a place is given back", () => {
  const admission = new Admission(2);
  const first = admission.take();
  admission.admit();
  admission.take();
  expect(() => admission.admit()).toThrow("all 2 places");
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(admission.taken).toBe(1);
  admission.admit();
});

test("refusals for lack of places are counted in one warning every 10 s", async () => {
  await using logged = await recordLogs("warning");
  const admission = new Admission(1);
  admission.take();
  for (const second of [0, 1, 9, 10, 11]) {
    using _now = ahead(second * 1000);
    expect(() => admission.admit()).toThrow("all 1 places");
  }
  expect(logged.messages).toEqual(Array(2).fill("start refused: all places are taken"));
  expect(logged.all.map(({ properties }) => properties["refused"])).toEqual([1, 3]);
});

test("it tells each time that the last place is given back, and only then", async () => {
  const admission = new Admission(3);
  let times = 0;
  const count = () => void admission.emptied.then(() => times++);
  count();
  const [one, two] = [admission.take(), admission.take()];
  one[Symbol.dispose]();
  await Promise.resolve();
  expect(times).toBe(0);
  two[Symbol.dispose]();
  await Promise.resolve();
  expect(times).toBe(1);
  count();
  admission.take()[Symbol.dispose]();
  await Promise.resolve();
  expect(times).toBe(2);
});

test("a closed one admits nothing and waits for what is left", async () => {
  const admission = new Admission(1);
  const last = admission.take();
  let closed = false;
  const closing = admission.close().then(() => {
    closed = true;
  });
  expect(() => admission.admit()).toThrow("shutting down");
  await Promise.resolve();
  expect(closed).toBe(false);
  last[Symbol.dispose]();
  await closing;
  await admission.close();
});

const load = (width: number, height: number, fps = 30) => ({ size: { width, height }, fps });

describe("the places of a load", () => {
  const admission = new Admission(16);

  test.each([
    [load(64, 64), 1],
    [load(512, 512, 60), 1],
    [load(1280, 720), 1],
    [load(1282, 720), 2],
    [load(1280, 720, 60), 2],
    [load(1920, 1080), 3],
    [load(1920, 1080, 5), 1],
    [load(2048, 2048, 24), 4],
    [load(4096, 4096, 60), 8],
    [{ size: null, fps: 60 }, 1],
    [pictureLoad({ width: 512, height: 512 }), 1],
    [pictureLoad({ width: 4096, height: 4096 }), 3],
  ])("%j takes %d of 16", (asked, places) => {
    expect(admission.placesFor(asked)).toBe(places);
  });

  test("are at most half of all, and at least one", () => {
    const largest = load(4096, 4096, 60);
    expect([1, 2, 3, 4, 5, 64].map((all) => new Admission(all).placesFor(largest))).toEqual([
      ...[1, 1, 1, 2, 2],
      32,
    ]);
  });

  test("of a stream count its parameters, and its real size where they give none", () => {
    const size = { width: 1920, height: 1080 };
    expect(streamLoad({ ...CLOCK_DEFAULTS, size, fps: 12 }, null)).toEqual({ size, fps: 12 });
    expect(streamLoad({ ...INPUT_DEFAULTS }, size)).toEqual({ size, fps: 30 });
    expect(streamLoad({ ...INPUT_DEFAULTS }, null)).toEqual({ size: null, fps: 30 });
  });
});

test("a load that does not fit is refused with the numbers and the way out", () => {
  const admission = new Admission(8);
  for (let index = 0; index < 6; index++) admission.take();
  admission.admit(load(1280, 720, 60));
  expect(() => admission.admit(load(1920, 1080))).toThrow(
    "1920x1080 at 30 frames a second takes 3 places for streams and jobs, and 2 of 8 are free",
  );
  expect(() => admission.admit(load(1920, 1080))).toThrow("choose a smaller size or a lower fps");
});

test("a place grows only into free places, and shrinks at any time", () => {
  const admission = new Admission(8);
  const place = admission.take(load(1280, 720, 60));
  for (let index = 0; index < 5; index++) admission.take();
  place.resize(load(1920, 1080));
  expect(admission.taken).toBe(8);
  expect(() => place.resize(load(2048, 2048))).toThrow("takes 4 places");
  expect(admission.taken).toBe(8);
  place.resize(load(512, 512));
  expect(admission.taken).toBe(6);
  place[Symbol.dispose]();
  place.resize(load(2048, 2048));
  expect(admission.taken).toBe(5);
});

test("a size that turns out larger is counted, though it does not fit", async () => {
  const admission = new Admission(4);
  const [place] = [admission.take(), admission.take(), admission.take(), admission.take()];
  place?.correct(load(4096, 4096));
  expect(admission.taken).toBe(5);
  expect(() => admission.admit()).toThrow("all 4 places");
});
