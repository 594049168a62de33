import { describe, expect, test } from "bun:test";
import { TsDemuxer } from "../../../../../src/engine/source/ts/demux.ts";
import type { EncodedPacket } from "../../../../../src/media/encoded-packet.ts";
import {
  AAC,
  AUDIO_PID,
  accessUnit,
  concat,
  H264,
  OPUS,
  pes,
  tables,
  tsPacket,
  tsPackets,
  VIDEO_PID,
} from "../../../../support/ts-builder.ts";
import { adts, audio, segment, video } from "../../../../support/ts-segment.ts";

const summary = (packets: EncodedPacket[]) =>
  packets.map((packet) => [
    packet.kind,
    Number(packet.pts),
    packet.data.length,
    Bun.hash(packet.data),
    packet.kind === "video" && packet.keyFrame,
  ]);

function demuxInPieces(bytes: Uint8Array, size: number): EncodedPacket[] {
  const demuxer = new TsDemuxer();
  const found: EncodedPacket[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    found.push(...demuxer.push(bytes.slice(at, at + size), 0));
  }
  found.push(...demuxer.endSegment(0));
  return found;
}

test("input in pieces of 1 to 400 bytes gives the same packets", () => {
  const bytes = segment();
  const whole = summary(demuxInPieces(bytes, bytes.length));
  expect(whole.length).toBe(60);
  for (let size = 1; size <= 400; size++) {
    expect(summary(demuxInPieces(bytes, size))).toEqual(whole);
  }
});

test("the first picture is given when the next PES shows that it was whole", () => {
  const demuxer = new TsDemuxer();
  demuxer.push(concat(tables([H264])), 1);
  expect(demuxer.push(concat(video(0, 1000, true)), 2)).toEqual([]);
  expect(demuxer.push(concat(video(1, 1000)), 3)).toMatchObject([
    { kind: "video", codec: "h264", pts: 3000, dts: 0, keyFrame: true, arrivedAt: 2 },
    { pts: 6000, dts: 3000, keyFrame: false, arrivedAt: 3 },
  ]);
});

test("later pictures are given as soon as their last byte is there, with that byte's time of arrival", () => {
  const demuxer = new TsDemuxer();
  demuxer.push(concat([...tables([H264]), ...video(0, 1000, true), ...video(1, 1000)]), 1);
  const bytes = concat(video(2, 1000, true));
  expect(demuxer.push(bytes.subarray(0, -1), 2)).toEqual([]);
  expect(demuxer.push(bytes.subarray(-1), 3)).toMatchObject([
    { kind: "video", codec: "h264", pts: 9000, dts: 6000, keyFrame: true, arrivedAt: 3 },
  ]);
});

test("packets own their bytes: the caller may use its buffer again", () => {
  const demuxer = new TsDemuxer();
  const buffer = concat([...tables([H264]), ...video(0, 100, true), ...video(1, 1000)]);
  const packets = demuxer.push(buffer, 0);
  const before = packets.map((packet) => packet.data.slice());
  buffer.fill(0);
  expect(packets.map((packet) => packet.data)).toEqual(before);
});

test("continuity counters that restart in every segment lose nothing", () => {
  const demuxer = new TsDemuxer();
  const found = [0, 30, 60].flatMap((from) => [
    ...demuxer.push(segment(from), 0),
    ...demuxer.endSegment(0),
  ]);
  expect(found.filter(({ kind }) => kind === "video").length).toBe(90);
  expect(found.filter(({ kind }) => kind === "audio").length).toBe(90);
});

test("an aborted segment gives no partial access unit, and the next segment is whole", () => {
  const demuxer = new TsDemuxer();
  const cut = concat([...tables([H264]), ...video(0, 1000, true).slice(0, 3)]);
  demuxer.push(cut.subarray(0, -20), 0);
  demuxer.breakSegment();
  const next = [...demuxer.push(concat(video(1, 900, true)), 0), ...demuxer.endSegment(0)];
  expect(next.map(({ data }) => data.length)).toEqual([900]);
});

describe("damage", () => {
  test.each([1, 188, 10_000])(
    "garbage between packets costs nothing but itself, in pieces of %d bytes",
    (size) => {
      const noise = new Uint8Array(77).fill(0x12);
      noise[40] = 0x47;
      const bytes = concat([
        ...tables([H264]),
        ...video(0, 100, true),
        noise,
        ...video(1, 700),
        noise,
        ...video(2, 400),
      ]);
      const found = demuxInPieces(bytes, size);
      expect(found.map(({ data }) => data.length)).toEqual([100, 700, 400]);
    },
  );

  test("an access unit with a packet marked broken or scrambled is left out, its neighbours stay", () => {
    for (const [offset, bit] of [
      [1, 0x80],
      [3, 0x80],
    ] as const) {
      const demuxer = new TsDemuxer();
      const middle = video(1, 700);
      const hit = middle[2];
      if (hit) hit[offset] = (hit[offset] ?? 0) | bit;
      const bytes = concat([
        ...tables([H264]),
        ...video(0, 100, true),
        ...middle,
        ...video(2, 400),
      ]);
      const found = [...demuxer.push(bytes, 0), ...demuxer.endSegment(0)];
      expect(found.map(({ data }) => data.length)).toEqual([100, 400]);
    }
  });
});

describe("program tables", () => {
  test("a track that moves to another PID is followed, one that disappears is gone", () => {
    const demuxer = new TsDemuxer();
    demuxer.push(segment(), 0);
    expect(demuxer.announcedAudio?.codec ?? null).toBe("aac");
    const moved = { ...H264, pid: 0x200 };
    demuxer.push(concat(tables([moved])), 0);
    expect(demuxer.announcedAudio?.codec ?? null).toBeNull();
    expect(demuxer.push(concat(video(40, 300)), 0)).toEqual([]);
    const elsewhere = tsPackets(pes(accessUnit(300), { pts: 5 }), { pid: 0x200 });
    demuxer.push(concat(elsewhere), 0);
    expect(demuxer.endSegment(0).length).toBe(1);
  });

  test("a repeated map in the middle of an access unit disturbs nothing", () => {
    const demuxer = new TsDemuxer();
    const unit = video(0, 1000, true);
    const bytes = concat([
      ...tables([H264]),
      ...unit.slice(0, 3),
      ...tables([H264]),
      ...unit.slice(3),
    ]);
    demuxer.push(bytes, 0);
    expect(demuxer.endSegment(0).map(({ data }) => data.length)).toEqual([1000]);
  });

  test("a map on a PID that the table does not name is ignored", () => {
    const demuxer = new TsDemuxer();
    const [pat] = tables([H264], 0x500);
    const [, stray] = tables([AAC], 0x600);
    demuxer.push(concat([pat ?? new Uint8Array(0), stray ?? new Uint8Array(0)]), 0);
    expect(demuxer.announcedAudio?.codec ?? null).toBeNull();
  });

  test("Opus is recognized by its descriptors; other private data is ignored", () => {
    const opus = new TsDemuxer();
    opus.push(concat(tables([H264, OPUS])), 0);
    expect(opus.announcedAudio?.codec ?? null).toBe("opus");
    const subtitles = new TsDemuxer();
    subtitles.push(concat(tables([H264, { ...OPUS, descriptors: [0x59, 1, 0] }])), 0);
    expect(subtitles.announcedAudio).toBeNull();
  });
});

describe("sound", () => {
  test("frames that share a PES follow each other by their length", () => {
    const demuxer = new TsDemuxer();
    demuxer.push(concat(tables([H264, AAC])), 0);
    const found = demuxer.push(concat(audio(0, [adts(50), adts(60), adts(70)])), 9);
    expect(found).toMatchObject([
      { kind: "audio", codec: "aac", pts: 0, duration: 1920, sampleRate: 48_000, channels: 2 },
      { pts: 1920, duration: 1920 },
      { pts: 3840, duration: 1920, arrivedAt: 9 },
    ]);
    expect(found.map(({ data }) => data.length)).toEqual([50, 60, 70]);
  });

  test("split over two PES keeps its time, and so does what follows", () => {
    const demuxer = new TsDemuxer();
    demuxer.push(concat(tables([H264, AAC])), 0);
    const frames = concat([50, 60, 70, 80].map((size) => adts(size)));
    const found = [
      ...demuxer.push(concat(audio(0, [frames.subarray(0, 90)])), 0),
      ...demuxer.push(concat(audio(2, [frames.subarray(90)])), 0),
    ];
    expect(found.map(({ pts, data }) => [Number(pts), data.length])).toEqual([
      [0, 50],
      [1920, 60],
      [3840, 70],
      [5760, 80],
    ]);
  });

  test("in a PES without a timestamp follows the sound before it", () => {
    const demuxer = new TsDemuxer();
    demuxer.push(concat(tables([H264, AAC])), 0);
    const unstamped = pes(adts(60), { pts: 0, sized: true, streamId: 0xc0 });
    unstamped[7] = 0;
    const found = [
      ...demuxer.push(concat(audio(3, [adts(50)])), 0),
      ...demuxer.push(concat(tsPackets(unstamped, { pid: AUDIO_PID })), 0),
    ];
    expect(found.map(({ pts, data }) => [Number(pts), data.length])).toEqual([
      [5760, 50],
      [7680, 60],
    ]);
  });

  test("shares a clock with the video when the stream is joined between their wraps", () => {
    const demuxer = new TsDemuxer();
    const wrap = 2 ** 33;
    const bytes = concat([
      ...tables([H264, AAC]),
      ...tsPackets(pes(accessUnit(100, true), { pts: wrap - 900 })),
      ...tsPackets(pes(adts(50), { pts: 900, sized: true }), { pid: AUDIO_PID }),
      ...tsPackets(pes(accessUnit(100), { pts: wrap + 2100 })),
    ]);
    const found = [...demuxer.push(bytes, 0), ...demuxer.endSegment(0)];
    const pts = found.map((packet) => packet.pts - wrap);
    expect(pts.toSorted((a, b) => a - b)).toEqual([-900, 900, 2100]);
  });

  test("keeps its time through a change of the map after a wrap", () => {
    const demuxer = new TsDemuxer();
    const wrap = 2 ** 33;
    const sound = (pts: number): Uint8Array[] =>
      tsPackets(pes(adts(50), { pts, sized: true }), { pid: AUDIO_PID });
    const bytes = concat([
      ...tables([H264, AAC]),
      ...sound(wrap - 100),
      ...sound(wrap + 100),
      ...tables([AAC]),
      ...tables([{ ...AAC, pid: 0x300 }]),
      ...tables([H264, AAC]),
      ...sound(wrap + 300),
    ]);
    expect(demuxer.push(bytes, 0).map((packet) => Number(packet.pts))).toEqual([
      wrap - 100,
      wrap + 100,
      wrap + 300,
    ]);
  });
});

test("an input without program tables gives nothing", () => {
  const demuxer = new TsDemuxer();
  expect(demuxer.push(concat(video(0, 1000, true)), 0)).toEqual([]);
  expect(demuxer.push(tsPacket(new Uint8Array(0), { pid: VIDEO_PID }), 0)).toEqual([]);
});
