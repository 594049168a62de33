import { describe, expect, test } from "bun:test";
import { UNRECORDED_CALLS } from "../../../../src/engine/protocol/call-journal.ts";
import { demux } from "../../../../src/engine/source/demux.ts";
import { Timeline } from "../../../../src/engine/source/timeline.ts";
import type { IncomingChunk } from "../../../../src/trickle/client/segment-copy.ts";
import { video as picture, segment as segmentMp4 } from "../../../support/mp4-segments.ts";
import { RecordingObserver } from "../../../support/recording-observer.ts";
import {
  AAC,
  accessUnit,
  concat,
  H264,
  pes,
  tables,
  tsPackets,
} from "../../../support/ts-builder.ts";

const unit = (index: number, key = index % 30 === 0): Uint8Array[] =>
  tsPackets(pes(accessUnit(300, key), { pts: 3000 * index }));

/** A segment of frames of this many bytes, the first a key frame. */
const largeSegment = async (from: number, count: number, bytes: number): Promise<Uint8Array> => {
  const data = (index: number): Uint8Array => {
    const unit = new Uint8Array(bytes).fill(0x55);
    unit.set([0, 0, 0, 1, index === 0 ? 0x65 : 0x41]);
    return unit;
  };
  const packets = Array.from({ length: count }, (_, index) => ({
    ...picture(from + index, index === 0),
    data: data(index),
  }));
  return concat((await segmentMp4(packets)).map((fragment) => fragment.data));
};

const segment = (from: number, count: number, sound = false): Uint8Array =>
  concat([
    ...tables(sound ? [H264, AAC] : [H264]),
    ...Array.from({ length: count }, (_, index) => unit(from + index)).flat(),
  ]);

const mp4Segment = async (count: number): Promise<Uint8Array> => {
  const packets = Array.from({ length: count }, (_, index) => picture(index, index === 0));
  return concat((await segmentMp4(packets)).map(({ data }) => data));
};

const whole = (
  data: Uint8Array,
  seq: number,
  change: Partial<IncomingChunk> = {},
): IncomingChunk => ({
  seq,
  data,
  first: true,
  last: true,
  complete: true,
  arrivedAt: 5,
  ...change,
});

function source() {
  let feed!: ReadableStreamDefaultController<IncomingChunk>;
  const left: unknown[] = [];
  const readable = new ReadableStream<IncomingChunk>({
    start: (controller) => {
      feed = controller;
    },
    cancel: (reason) => void left.push(reason),
  });
  return { readable, feed, left };
}

function open() {
  const { readable, feed, left } = source();
  const observer = new RecordingObserver();
  let ends = 0;
  const input = demux(readable, {
    timeline: new Timeline(null),
    calls: UNRECORDED_CALLS,
    observer,
    onEnd: () => ends++,
  });
  return { input, feed, left, observer, videos: () => observer.framesIn, ends: () => ends };
}

async function collect<T>(stream: ReadableStream<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const RIFF = Uint8Array.from([0x52, 0x49, 0x46, 0x46, 9, 9, 9, 9]);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("packets of all segments come in order and are counted as they come in", async () => {
  const { input, feed, observer, videos, ends } = open();
  feed.enqueue(whole(segment(0, 30), 0));
  feed.enqueue(whole(segment(30, 30), 1));
  feed.close();
  const packets = await collect(input.video);
  expect(packets.map(({ pts }) => Number(pts))).toEqual(
    Array.from({ length: 60 }, (_, index) => index * 3000),
  );
  expect(packets[0]).toMatchObject({ keyFrame: true, arrivedAt: 5 });
  expect([videos(), observer.framesDropped, input.announcedAudio()]).toEqual([60, 0, null]);
  expect(await collect(input.audio)).toEqual([]);
  expect(ends()).toBe(1);
});

test("what waits for a decoder is limited in bytes, too: large packets are dropped by groups of pictures", async () => {
  const { input, feed, observer } = open();
  const LARGE = 4 * 1024 * 1024;
  for (let seq = 0; seq < 3; seq++) feed.enqueue(whole(await largeSegment(seq * 4, 4, LARGE), seq));
  await turn();
  await turn();
  expect([observer.framesIn, observer.framesDropped]).toEqual([12, 4]);
  const reader = input.video.getReader();
  for (let index = 0; index < 8; index++) await reader.read();
  feed.enqueue(whole(await largeSegment(20, 4, 1000), 3));
  await turn();
  const { value: next } = await reader.read();
  expect([next?.keyFrame, (next?.pts ?? 0) / 3000]).toEqual([true, 20]);
});

test("empty segments and empty pieces are no end", async () => {
  const { input, feed } = open();
  feed.enqueue(whole(new Uint8Array(0), 0));
  feed.enqueue(whole(segment(0, 5, true), 1));
  feed.enqueue(whole(new Uint8Array(0), 2));
  feed.enqueue(whole(segment(5, 5, true), 3));
  feed.close();
  expect((await collect(input.video)).length).toBe(10);
  expect(input.announcedAudio()).not.toBeNull();
});

test("a segment that broke off costs the access unit it was in", async () => {
  const { input, feed } = open();
  feed.enqueue(whole(segment(0, 5).subarray(0, -100), 0, { complete: false }));
  feed.enqueue(whole(segment(5, 5), 1));
  feed.close();
  const pts = (await collect(input.video)).map((packet) => packet.pts / 3000);
  expect(pts).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
});

test("the network never waits: a decoder fifteen seconds behind starts again at a key frame", async () => {
  const { input, feed, observer, videos } = open();
  for (let seq = 0; seq < 40; seq++) feed.enqueue(whole(segment(seq * 30, 30), seq));
  await turn();
  await turn();
  expect(videos()).toBe(1200);
  const reader = input.video.getReader();
  const seen: number[] = [];
  const take = async (): Promise<void> => {
    const { value } = await reader.read();
    if (value) seen.push(value.pts / 3000);
  };
  for (let index = 0; index < 900; index++) await take();
  expect(seen).toEqual(Array.from({ length: 900 }, (_, index) => index));
  expect(observer.framesDropped).toBe(300);
  feed.enqueue(whole(segment(1215, 30), 41));
  feed.close();
  await turn();
  await take();
  expect(seen.at(-1)).toBe(1230);
});

describe("the end", () => {
  test("a failure of the input is the failure of both", async () => {
    const { input, feed } = open();
    feed.error(new Error("channel gone"));
    for (const side of [input.video, input.audio]) {
      const reason = await collect<unknown>(side).catch((error: unknown) => error);
      expect(reason).toEqual(new Error("channel gone"));
    }
  });

  test("an input of segments in no known container is named as it begins, and ends with that", async () => {
    const { input, feed, observer } = open();
    for (let seq = 0; seq < 20; seq++) feed.enqueue(whole(RIFF, seq));
    await turn();
    expect(observer.troubles.map(({ message }) => message)).toEqual([
      expect.stringContaining("52 49 46 46 09 09 09 09"),
    ]);
    feed.close();
    const reason = await collect(input.video).catch((error: unknown) => error);
    expect(reason).toMatchObject({ kind: "unsupported_media" });
    expect(String(reason)).toContain("52 49 46 46 09 09 09 09");
  });

  test("a segment that continues a box of MP4 is not taken for MPEG-TS by its first byte", async () => {
    const { input, feed } = open();
    const first = await mp4Segment(3);
    const fragments = first.subarray(Buffer.from(first).indexOf("moof") - 4);
    const free = Uint8Array.from([0, 0, 1, 0x90, ...Buffer.from("free"), ...new Uint8Array(392)]);
    free[100] = 0x47;
    feed.enqueue(whole(concat([first, free.subarray(0, 100)]), 0));
    feed.enqueue(whole(concat([free.subarray(100), fragments]), 1));
    feed.close();
    expect(await collect(input.video)).toHaveLength(6);
  });

  test("damaged segments at the start are passed over", async () => {
    const { input, feed } = open();
    feed.enqueue(whole(RIFF, 0));
    feed.enqueue({ ...whole(RIFF, 1), last: false });
    feed.enqueue({ ...whole(segment(0, 5), 1), first: false });
    feed.enqueue(whole(segment(0, 5), 2));
    feed.close();
    expect(await collect(input.video)).toHaveLength(5);
  });

  test("when nobody takes pictures any more the input is left, which is not its end", async () => {
    const { input, feed, left, ends } = open();
    await input.video.cancel();
    feed.enqueue(whole(segment(0, 5), 0));
    await turn();
    await turn();
    expect(left.length).toBe(1);
    expect(await collect(input.audio)).toEqual([]);
    expect(ends()).toBe(0);
  });

  test("when nobody takes sound the pictures go on", async () => {
    const { input, feed } = open();
    await input.audio.cancel();
    feed.enqueue(whole(segment(0, 5, true), 0));
    feed.close();
    expect((await collect(input.video)).length).toBe(5);
  });
});

test("a first piece too small to tell the container is kept until there is more", async () => {
  const { input, feed } = open();
  const bytes = await mp4Segment(5);
  feed.enqueue(whole(bytes.subarray(0, 3), 0, { last: false }));
  feed.enqueue(whole(bytes.subarray(3), 0, { first: false }));
  feed.close();
  expect((await collect(input.video)).length).toBe(5);
});

test("a sender that comes back with another container is understood", async () => {
  const { input, feed } = open();
  feed.enqueue(whole(segment(0, 30), 0));
  feed.enqueue(whole(await mp4Segment(5), 1));
  feed.close();
  expect((await collect(input.video)).length).toBe(35);
});
