/** Tests what viewers see while a model loads or after it failed, pixel by pixel. */
import { expect, test } from "bun:test";
import { WorkerError } from "../../src/errors.ts";
import { builtInHost } from "../support/built-in-host.ts";
import { LoadingStream, type Seen, SIZE } from "../support/loading-stream.ts";
import { waitFor } from "../support/wait-for.ts";

const CARD_LUMA = 30;

const host = await builtInHost("identity", "test-card", "edges");

const PLAIN = { ...SIZE, inside: 0, outside: 0 };

test("the first frame waits half a second for its model, then frames pass under a label, and plainly once it runs", async () => {
  const stream = new LoadingStream(host, "input");
  const begun = performance.now();
  let seen = await stream.next();
  expect(performance.now() - begun).toBeWithin(490, 2500);
  expect(seen?.inside).toBeGreaterThan(1000);
  expect(seen?.outside).toBe(0);
  expect(stream.inferred).toBe(0);
  stream.door.resolve();
  await waitFor("the model", async () => {
    seen = await stream.next();
    return stream.inferred > 0;
  });
  expect(seen).toEqual(PLAIN);
  expect([stream.dropped, stream.troubles]).toEqual([0, []]);
  await stream.end();
});

test("no frame passes unprocessed if the model loads within half a second", async () => {
  const stream = new LoadingStream(host, "input", {}, "edges");
  setTimeout(stream.door.resolve, 50);
  expect((await stream.next())?.outside).toBeGreaterThan(0);
  expect([stream.inferred, stream.dropped]).toEqual([1, 0]);
  await stream.end();
});

test("frames pass untouched for as long as the model has failed to load", async () => {
  const stream = new LoadingStream(host, "input");
  await stream.next();
  stream.door.reject(new WorkerError("model_failed", "no such file"));
  await waitFor("the failure", async () => {
    await stream.next();
    return stream.troubles.length > 0;
  });
  const end = performance.now() + 700; // longer than the grace
  await waitFor("a while", async () => {
    expect(await stream.next()).toEqual(PLAIN);
    return performance.now() > end;
  });
  expect(stream.troubles).toEqual(["no such file"]);
  await stream.end();
});

test("frames of a paused stream pass untouched while its model loads", async () => {
  const stream = new LoadingStream(host, "input", { paused: true });
  const end = performance.now() + 700; // longer than the grace
  await waitFor("a while", async () => {
    expect(await stream.next()).toEqual(PLAIN);
    return performance.now() > end;
  });
  stream.update({ paused: false });
  const begun = performance.now();
  expect((await stream.next())?.inside).toBeGreaterThan(1000);
  expect(performance.now() - begun).toBeGreaterThan(490); // the grace starts again
  stream.door.resolve();
  await stream.end();
});

test("while the next model loads, the previous one runs, without a label", async () => {
  const stream = new LoadingStream(host, "input", { model: "identity" }, "edges");
  await waitFor("the first model", async () => {
    await stream.next();
    return stream.inferred > 0;
  });
  stream.update({ model: "edges" });
  const end = performance.now() + 700; // longer than the grace
  await waitFor("a while", async () => {
    expect(await stream.next()).toEqual(PLAIN);
    return performance.now() > end;
  });
  stream.door.resolve();
  await waitFor("the next model", async () => ((await stream.next())?.outside ?? 0) > 0);
  await stream.end();
});

const CARD = [CARD_LUMA, 131, 127] as const;
const CLOCK = { size: { width: 320, height: 180 } };

test("a stream without input shows a dark card with a label until its model runs, and none if that is soon", async () => {
  const stream = new LoadingStream(host, "clock", CLOCK, "test-card");
  let seen = await stream.next(CARD);
  expect(seen).toMatchObject({ ...CLOCK.size, outside: 0 });
  expect(seen?.inside).toBeGreaterThan(1000);
  stream.door.resolve();
  await waitFor("the model", async () => ((await stream.next(CARD))?.outside ?? 0) > 10_000);
  await stream.end();

  const soon = new LoadingStream(host, "clock", CLOCK, "test-card");
  soon.door.resolve();
  seen = await soon.next(CARD);
  expect(seen?.outside).toBeGreaterThan(10_000);
  await soon.end();
});

test("a stream without input whose model fails shows a card instead of nothing", async () => {
  const stream = new LoadingStream(host, "clock", CLOCK, "test-card");
  stream.door.reject(new WorkerError("model_failed", "no such file"));
  let seen: Seen | null = null;
  await waitFor("a card", async () => {
    seen = await stream.next(CARD);
    return seen !== null;
  });
  expect(seen).toMatchObject({ ...CLOCK.size, outside: 0 });
  expect(stream.troubles).toEqual(["no such file"]);
  await stream.end();
});

test("the label follows a change of size, and an end while it is shown leaves nothing", async () => {
  const stream = new LoadingStream(host, "clock", CLOCK, "test-card");
  await waitFor("a card", async () => (await stream.next(CARD)) !== null);
  for (const size of [
    { width: 64, height: 64 },
    { width: 642, height: 362 },
    { width: 64, height: 512 },
    { width: 512, height: 64 },
  ]) {
    stream.update({ size });
    expect(await stream.next(CARD)).toMatchObject({ ...size, outside: 0 });
  }
  await stream.end();
});
