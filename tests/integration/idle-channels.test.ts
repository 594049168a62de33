/** Channels that nothing is written to for long, on a server that sweeps idle channels (live-runner.md 4.5, M5). */
import { expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { MessageWriter } from "../../src/trickle/client/message-writer.ts";
import { tsSegments } from "../support/clip.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { orchestrated } from "../support/orchestrated-stream.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { seenPackets, seenUnits } from "../support/ts-reader.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
quietLibav();

/** Real times divided by 400: a minute is 150 ms. */
const MINUTE_MS = 150;
const SWEEPING = { idleMs: 5 * MINUTE_MS, sweepMs: MINUTE_MS };
const emptySegmentMs = MINUTE_MS;

test("a stream that is paused for 7 minutes on both sides keeps its channels, and then delivers every frame (M5)", async () => {
  const options = { lifecycle: "adopted", trickle: SWEEPING, timing: { emptySegmentMs } } as const;
  await using run = await orchestrated({ input: "in", output: "out" }, [], options);
  const { trickle, stream } = run;
  await run.host.acquire("identity");
  const channels = ["in", "out", "events", "bare"];
  await Promise.all(channels.map((name) => trickle.make(name, "application/json")));
  const events = { url: trickle.url("events") };
  const writer = new MessageWriter(events, { contentType: "application/json", emptySegmentMs });
  const client = await publisherTo(trickle.url("in"), { emptySegmentMs });
  const over = stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  await Bun.sleep(7 * MINUTE_MS);
  const left = await Promise.all(channels.map((name) => fetch(`${trickle.url(name)}/next`)));
  expect(left.map(({ status }) => status)).toEqual([200, 200, 200, 404]);

  const input = client.writable.getWriter();
  const media = await synthetic({ parts: [{ width: 128, height: 96, frames: 30 }] });
  for (const data of tsSegments(media)) await input.write({ data, first: true, last: true });
  await waitFor("all frames", () => stream.stats().frames_out === 30);
  await input.close();
  await writer.close();
  await client.deleteChannel();
  await over;
  expect(run.sent.at(-1)).toEqual({ type: "ended", id: "s" });
});

test("empty input segments and a gap of 30 s up to the next key frame cost no frame (M5)", async () => {
  await using run = await orchestrated({ input: "in", output: "out" }, ["in", "out"]);
  const { trickle, stream } = run;
  const over = stream.run();
  await waitFor("its start", () => run.typesSent().includes("started"));
  await run.host.acquire("identity");
  const client = await publisherTo(trickle.url("in"));
  const input = client.writable.getWriter();
  for (const start of [0, 30 * 90_000]) {
    const media = await synthetic({ parts: [{ width: 128, height: 96, frames: 30 }], start });
    for (const data of tsSegments(media)) await input.write({ data, first: true, last: true });
    const frames = start === 0 ? 30 : 60;
    await waitFor("the frames", () => stream.stats().frames_out === frames);
    // An encoder that stalls gives segments without a byte.
    const next = async () => Number(await (await fetch(`${trickle.url("in")}/next`)).text());
    const before = await next();
    await waitFor("empty segments", async () => {
      client.publishEmptySegment();
      return (await next()) >= before + 2;
    });
  }
  await input.close();
  await client.deleteChannel();
  await over;
  expect(run.sent.at(-1)).toEqual({ type: "ended", id: "s" });
  const parts = await Promise.all(
    [0, 1].map(async (seq) => await (await fetch(`${trickle.url("out")}/${seq}`)).bytes()),
  );
  const times = parts.flatMap((part) => seenUnits(seenPackets(part), 0x100).map(({ pts }) => pts));
  const second = Array.from({ length: 30 }, (_, index) => index * 3000);
  // The timestamps say 30 s, but no such time has passed: the output has no hole.
  expect(times).toEqual([...second, ...second.map((pts) => pts + 90_000)]);
});

test("an empty segment ends the one under way, and a new one is asked for at once", async () => {
  await using trickle = hostTrickle();
  const url = trickle.url("a");
  let wanted = 0;
  const publisher = await publisherTo(url, {
    create: true,
    observer: { segmentWanted: () => void wanted++ },
  });
  const seen: SeenSegment[] = [];
  const reading = readSegments(url, 2, { start: 0 }, seen);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("one"), first: true });
  await waitFor("the next segment", () => trickle.pending() === 4);
  publisher.publishEmptySegment();
  expect(wanted).toBe(1);
  await waitFor("the segment", () => seen.length === 1);
  await writer.write({ data: bytes("lost"), first: false });
  await writer.write({ data: bytes("two"), first: true });
  await writer.close();
  await reading;
  expect(seen.map(({ seq, text }) => ({ seq, text }))).toEqual([
    { seq: 0, text: "one" },
    { seq: 2, text: "two" },
  ]);
  expect(wanted).toBe(1);
});
