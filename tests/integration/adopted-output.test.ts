/** Streams whose output channel an orchestrator made for them and leaves to them to delete (live-runner.md 3.4). */
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { tsSegments } from "../support/clip.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import {
  type OrchestratedOptions,
  orchestrated,
  publishClip,
} from "../support/orchestrated-stream.ts";
import { publisherTo } from "../support/trickle-channel.ts";
import { seenPackets } from "../support/ts-reader.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
quietLibav();

const SIDES = { input: "in", output: "out" };

/** A stream with an adopted output that has started. */
async function adopted(options: OrchestratedOptions = {}) {
  const run = await orchestrated(SIDES, ["in", "out"], { lifecycle: "adopted", ...options });
  await run.host.acquire("identity"); // frames are skipped while it loads
  const over = run.stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  return { run, over, url: run.trickle.url("out") };
}

/** Reads a channel to its end: its bytes, and how long it stayed after the last of them. */
async function readAll(url: string): Promise<{ bytes: Uint8Array; lingeredMs: number }> {
  const parts: Uint8Array[] = [];
  let last = 0;
  const { signal } = new AbortController();
  for await (const { data } of subscribe({ url }, { signal, start: 0, maxLag: 9 })) {
    parts.push(data);
    last = performance.now();
  }
  const bytes = new Uint8Array(Buffer.concat(parts));
  return { bytes, lingeredMs: performance.now() - last };
}

const pictures = (bytes: Uint8Array): number =>
  seenPackets(bytes).filter(({ pid, unitStart }) => pid === 0x100 && unitStart).length;

test("once its input is closed, an adopted output ends within 4 s with all frames and is deleted (S9)", async () => {
  const { run, over, url } = await adopted();
  await using _run = run;
  const read = readAll(url);
  await publishClip(run.trickle.url("in"));
  const began = performance.now();
  await fetch(run.trickle.url("in"), { method: "DELETE" });
  const { bytes, lingeredMs } = await read;
  expect(run.typesSent()).toContain("finished"); // before readers see the end
  expect(performance.now() - began).toBeLessThan(4000);
  expect(pictures(bytes)).toBe(60);
  expect(lingeredMs).toBeGreaterThan(450); // slow readers need the time
  await over;
  expect(run.sent.at(-1)).toEqual({ type: "ended", id: "s" });
  expect(run.trickle.server.channels).toBe(0);
});

test.each([
  ["in", "at once", "out"],
  ["in", "a moment later", "out"],
  ["out", "at once", "in"],
  ["out", "a moment later", "in"],
] as const)(
  "whoever closes %s and %s %s has released the stream: it neither finished nor failed",
  async (first, when, second) => {
    const { run, over } = await adopted({ timing: { lingerMs: 200 } });
    await using _run = run;
    await publishClip(run.trickle.url("in"));
    await fetch(run.trickle.url(first), { method: "DELETE" });
    if (when === "a moment later") await Bun.sleep(20);
    await fetch(run.trickle.url(second), { method: "DELETE" });
    await over;
    expect(run.sent.at(-1)).toEqual({ type: "ended", id: "s" });
    expect(run.typesSent()).not.toContain("finished");
  },
);

test("an input whose server is gone when its output is to be deleted is not reported as finished", async () => {
  const { run, over } = await adopted({ timing: { lingerMs: 800 } });
  await using _run = run;
  await publishClip(run.trickle.url("in"));
  await fetch(run.trickle.url("in"), { method: "DELETE" });
  await waitFor("the last segment's end", () => run.trickle.pending() === 0);
  await run.trickle[Symbol.asyncDispose]();
  await over;
  expect(run.typesSent()).not.toContain("finished");
});

test("a stream that is asked to stop does not report that its input has ended", async () => {
  const { run, over } = await adopted();
  await using _run = run;
  run.stream.stop();
  await over;
  expect(run.sent.at(-1)).toEqual({ type: "ended", id: "s" });
  expect(run.typesSent()).not.toContain("finished");
});

test("an adopted channel is not created", async () => {
  await using run = await orchestrated(SIDES, ["in"], { lifecycle: "adopted" });
  await run.stream.run();
  expect(run.sent.at(-1)).toMatchObject({ error: { details: [{ field: "output" }] } });
  expect(run.trickle.server.channels).toBe(1);
});

test.each(["with a word", "without one"])(
  "an adopted channel that another side closes %s fails the stream and says so",
  async (how) => {
    const { run, over, url } = await adopted();
    await using _run = run;
    // Without the header, as livepeer-node answers: a publisher learns it from the next 404.
    if (how === "without one") await fetch(`${url}/0`, { method: "DELETE" });
    await fetch(url, { method: "DELETE" });
    await over;
    expect(run.sent.at(-1)).toMatchObject({
      type: "ended",
      error: {
        kind: "output_lost",
        message: expect.stringMatching(/^output: .*closed .*by the other side/),
      },
    });
  },
);

test("a segment that the server refuses with 413 costs at most one group of pictures (M3)", async () => {
  const { run, over, url } = await adopted({
    trickle: { maxSegmentBytes: 60_000 },
    timing: { lingerMs: 10 },
  });
  await using _run = run;
  const read = readAll(url);
  const media = await synthetic({
    parts: [{ width: 128, height: 96, frames: 90 }],
    gop: 3,
    // The first second is too large for a segment of the output, though not for one of the input.
    draw: (frame, index) => {
      if (index < 30) frame.data?.[0]?.set(crypto.getRandomValues(new Uint8Array(128 * 96)));
    },
  });
  const writer = (await publisherTo(run.trickle.url("in"))).writable.getWriter();
  for (const [index, data] of tsSegments(media, { seconds: 0.1 }).entries()) {
    await writer.write({ data, first: true, last: true });
    await waitFor("its frames", () => run.stream.stats().frames_in === 3 * (index + 1));
  }
  await fetch(run.trickle.url("in"), { method: "DELETE" });
  const { bytes } = await read;
  await over;
  expect(run.sent.at(-1)).toEqual({ type: "ended", id: "s" });
  const { frames_out, frames_dropped, segments_out } = run.stream.stats();
  expect(frames_out + frames_dropped).toBe(90);
  expect(frames_dropped).toBeWithin(1, 31);
  expect(segments_out).toBeGreaterThan(3); // cut off and begun anew
  expect(pictures(bytes)).toBeGreaterThanOrEqual(60);
});
