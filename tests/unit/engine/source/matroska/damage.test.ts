/** What cannot be read of a Matroska input costs itself, is named, and never more memory or time than it deserves. */
import { describe, expect, test } from "bun:test";
import { MatroskaDemuxer } from "../../../../../src/engine/source/matroska/demux.ts";
import { MKV } from "../../../../../src/engine/source/matroska/ids.ts";
import type { EncodedPacket } from "../../../../../src/media/encoded-packet.ts";
import {
  audioTrack,
  blockGroup,
  cluster,
  element,
  header,
  info,
  open,
  simpleBlock,
  sizedCluster,
  tracks,
  uint,
  videoTrack,
  vint,
  vp8Frame,
} from "../../../../support/mkv-builder.ts";
import { concat } from "../../../../support/ts-builder.ts";

const HEAD = [header(), tracks(videoTrack(), audioTrack())];
const MEGABYTE = 1024 * 1024;
const picture = (time: number): Uint8Array => simpleBlock(1, time, vp8Frame(true));

function read(parts: readonly Uint8Array[], demuxer: MatroskaDemuxer): EncodedPacket[] {
  const packets = demuxer.push(concat(parts), 0);
  return [...packets, ...demuxer.endSegment()];
}
const messages = (demuxer: MatroskaDemuxer): (string | null)[] =>
  demuxer.takeTroubles().map(({ error }) => error?.message ?? null);
const timesOf = (packets: readonly EncodedPacket[]): number[] => packets.map(({ pts }) => pts / 90);

describe("damage costs what follows up to the next cluster, and is reported until a picture comes", () => {
  const noise = Uint8Array.from({ length: 900 }, (_, index) => (index * 37 + 11) % 256);
  const head = (id: number, size: readonly number[]): Uint8Array =>
    Uint8Array.from([...uint(id), ...size]);
  test.each([
    ["noise", noise],
    ["zeros", new Uint8Array(900)],
    ["a block of 200 MB", head(MKV.simpleBlock, vint(200 * MEGABYTE, 8))],
    ["a block of unknown size", open(MKV.simpleBlock)],
    ["tracks of 100 MB", head(MKV.tracks, vint(100 * MEGABYTE, 8))],
    ["an unknown element of 100 MB", head(0x4abc, vint(100 * MEGABYTE, 8))],
    ["a timestamp of 9 bytes", element(MKV.timestamp, new Uint8Array(9))],
    ["a size beyond all numbers", head(MKV.simpleBlock, vint(2 ** 52, 8))],
  ])("%s", (_, damage) => {
    const demuxer = new MatroskaDemuxer();
    const parts = [...HEAD, cluster(0, picture(0), damage, picture(40)), cluster(80, picture(0))];
    expect(timesOf(read(parts, demuxer))).toEqual([0, 80]);
    expect(messages(demuxer).join()).toMatch(/damaged Matroska clusters, which are dropped/);
    expect(read([cluster(120, picture(0))], demuxer).length).toBe(1);
    expect(messages(demuxer)).toEqual([null]);
  });
});

test("large elements that are of no use are neither held nor reported", () => {
  const demuxer = new MatroskaDemuxer();
  read([...HEAD, cluster(0, picture(0))], demuxer);
  const attachments = Uint8Array.from([...uint(MKV.attachments), ...vint(900 * MEGABYTE, 8)]);
  demuxer.push(attachments, 0);
  const before = process.memoryUsage().rss;
  const chunk = new Uint8Array(MEGABYTE);
  for (let sent = 0; sent < 300; sent++) expect(demuxer.push(chunk, 0)).toEqual([]);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEGABYTE);
  expect(timesOf(read([cluster(80, picture(0))], demuxer))).toEqual([80]);
  expect(messages(demuxer)).toEqual([]);
});

test.each([
  ["a lace longer than its block", simpleBlock(2, 0, [3, 255, 255, 255, 9], 0x02)],
  ["a lace of equal sizes that are not", simpleBlock(2, 0, [1, 1, 2, 3], 0x04)],
  ["a lace of sizes below zero", simpleBlock(2, 0, [2, 0x81, 0x80, 1], 0x06)],
  ["an empty block", element(MKV.simpleBlock)],
  ["a group without a block", element(MKV.blockGroup, element(MKV.blockDuration, [9]))],
])("%s costs itself alone", (_, block) => {
  const demuxer = new MatroskaDemuxer();
  expect(timesOf(read([...HEAD, cluster(0, block, picture(40))], demuxer))).toEqual([40]);
  expect(messages(demuxer).join()).toMatch(/damaged/);
});

test("times that no clock shows are damage, and the packets that come out have whole numbers", () => {
  const huge = 2 ** 62;
  for (const [scale, time] of [
    [huge, 1],
    [1_000_000, huge],
    [huge, huge],
  ] as const) {
    const demuxer = new MatroskaDemuxer();
    const wild = [header(), info(scale), tracks(videoTrack()), cluster(time, picture(0))];
    const duration = blockGroup(1, 0, vp8Frame(true), element(MKV.blockDuration, uint(huge)));
    const packets = read([...wild, cluster(0, duration), ...HEAD, cluster(7, picture(0))], demuxer);
    for (const { pts } of packets) expect(Number.isSafeInteger(pts)).toBe(true);
    expect(packets.length).toBeGreaterThan(0);
  }
});

test("a segment that broke off costs the block under way and what follows up to the next cluster", () => {
  const demuxer = new MatroskaDemuxer();
  const bytes = concat([...HEAD, cluster(0, picture(0), picture(40))]);
  expect(demuxer.push(bytes.subarray(0, -9), 0).length).toBe(1);
  demuxer.breakSegment();
  expect(timesOf(read([picture(80), cluster(120, picture(0))], demuxer))).toEqual([120]);
  expect(messages(demuxer)).toEqual([]);
});

test("clusters without tracks are reported with the second segment, and read once tracks come", () => {
  const demuxer = new MatroskaDemuxer();
  expect(read([cluster(0, picture(0))], demuxer)).toEqual([]);
  expect(messages(demuxer)).toEqual([]);
  expect(read([sizedCluster(40, picture(0))], demuxer)).toEqual([]);
  expect(messages(demuxer).join()).toMatch(/without the tracks that describe them: begin every/);
  expect(read([...HEAD, cluster(80, picture(0))], demuxer).length).toBe(1);
  expect(messages(demuxer)).toEqual([null]);
});

test("a block in many small pieces costs time in proportion to its bytes", () => {
  const demuxer = new MatroskaDemuxer();
  const block = simpleBlock(1, 0, vp8Frame(true, 8 * MEGABYTE));
  const bytes = concat([...HEAD, cluster(0, block)]);
  const begun = performance.now();
  let packets = 0;
  for (let at = 0; at < bytes.length; at += 64) {
    packets += demuxer.push(bytes.subarray(at, at + 64), 0).length;
  }
  expect(packets).toBe(1);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test("starts of clusters that are none cost time in proportion to their bytes", () => {
  const start = Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0x00);
  const bytes = concat(Array.from({ length: 100_000 }, () => start));
  const demuxer = new MatroskaDemuxer();
  read(HEAD, demuxer);
  const begun = performance.now();
  read([bytes], demuxer);
  expect(performance.now() - begun).toBeLessThan(1000);
});

test("whatever bytes are changed, cut out or put in, nothing is thrown and later files are read", () => {
  const file = concat([
    ...HEAD,
    cluster(0, picture(0), simpleBlock(2, 5, [0xf8, 1, 2]), picture(40)),
    sizedCluster(80, blockGroup(1, 0, vp8Frame(false)), picture(40)),
  ]);
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 1000; round++) {
    const damaged = Uint8Array.from(file);
    for (let change = random(6); change >= 0; change--) {
      damaged[random(file.length)] = random(256);
    }
    const [from, to] = [random(file.length), random(file.length)].sort((a, b) => a - b);
    const demuxer = new MatroskaDemuxer();
    const parts = round % 3 === 0 ? [damaged.subarray(0, from), damaged.subarray(to)] : [damaged];
    const packets = parts.flatMap((part) => demuxer.push(part, 0));
    for (const { pts } of packets) expect(Number.isSafeInteger(pts)).toBe(true);
    demuxer.endSegment();
    // A damaged time below zero may have moved all that follow.
    const later = read([...HEAD, cluster(9000, picture(0))], demuxer).at(-1)?.pts ?? 0;
    expect(later).toBeGreaterThanOrEqual(9000 * 90);
  }
});
