/** Matroska as senders make it: sizes known or not, blocks with and without laces, one file a segment or one file over many. */
import { describe, expect, test } from "bun:test";
import { MatroskaDemuxer } from "../../../../../src/engine/source/matroska/demux.ts";
import { MKV } from "../../../../../src/engine/source/matroska/ids.ts";
import type { EncodedPacket, VideoPacket } from "../../../../../src/media/encoded-packet.ts";
import {
  audioTrack,
  blockGroup,
  cluster,
  element,
  float,
  header,
  info,
  simpleBlock,
  sizedCluster,
  text,
  tracks,
  uint,
  videoTrack,
  vp8Frame,
} from "../../../../support/mkv-builder.ts";
import { AVC_CONFIG, PARAMETER_SETS, slice } from "../../../../support/mp4-builder.ts";
import { concat } from "../../../../support/ts-builder.ts";

const HEAD = [header(), tracks(videoTrack(), audioTrack())];
/** 20 ms of Opus: one frame of CELT. */
const OPUS = Uint8Array.of(0xf8, 1, 2, 3);
const picture = (time: number, key = time === 0): Uint8Array =>
  simpleBlock(1, time, vp8Frame(key), key ? 0x80 : 0);

/** The packets of segments that each come in pieces of `size` bytes. */
function read(
  segments: readonly (readonly Uint8Array[])[],
  demuxer = new MatroskaDemuxer(),
  size = Number.POSITIVE_INFINITY,
): EncodedPacket[] {
  return segments.flatMap((parts) => {
    const bytes = concat(parts);
    const packets: EncodedPacket[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      packets.push(...demuxer.push(bytes.subarray(at, at + size), 0));
    }
    return [...packets, ...demuxer.endSegment()];
  });
}

const video = (packets: readonly EncodedPacket[]): VideoPacket[] =>
  packets.filter((packet) => packet.kind === "video");
const timesOf = (packets: readonly EncodedPacket[]): number[] => packets.map(({ pts }) => pts / 90);

test("blocks of clusters of known and of unknown size become packets with the times of both", () => {
  const packets = read([
    [
      ...HEAD,
      cluster(0, picture(0), simpleBlock(2, 5, OPUS), picture(40)),
      sizedCluster(
        1000,
        element(MKV.position, [1]),
        picture(-20),
        blockGroup(1, 20, vp8Frame(true)),
      ),
      element(MKV.cues, new Uint8Array(300)),
      cluster(2000, picture(0)),
    ],
  ]);
  expect(timesOf(video(packets))).toEqual([0, 40, 980, 1020, 2000]);
  expect(video(packets).map(({ keyFrame }) => keyFrame)).toEqual([true, false, false, true, true]);
  expect(packets[1]).toMatchObject({ kind: "audio", codec: "opus", pts: 450, duration: 1800 });
  expect(packets[1]?.data).toEqual(OPUS);
});

test("times count in the unit that the file gives", () => {
  const file = [header(), info(100_000), tracks(videoTrack()), cluster(20_000, picture(5))];
  expect(timesOf(read([file]))).toEqual([2000.5]);
  // The next files say nothing of it.
  const silent = [header(), element(MKV.info), tracks(videoTrack()), cluster(4000, picture(0))];
  expect(timesOf(read([file, [...HEAD, cluster(3000, picture(0))], silent]))).toEqual([
    2000.5, 3000, 4000,
  ]);
});

describe("a lace is taken apart, and its frames follow each other", () => {
  const frames = [4, 300, 12].map((bytes) => {
    const frame = new Uint8Array(bytes).fill(bytes);
    frame[0] = 0xf8;
    return frame;
  });
  const same = frames.map(() => OPUS);
  const cases: readonly (readonly [string, Uint8Array, readonly Uint8Array[]])[] = [
    ["Xiph", simpleBlock(2, 10, concat([Uint8Array.of(2, 4, 255, 45), ...frames]), 0x02), frames],
    [
      "EBML",
      simpleBlock(2, 10, concat([Uint8Array.of(2, 0x84, 0x61, 0x27), ...frames]), 0x06),
      frames,
    ],
    ["equal sizes", simpleBlock(2, 10, concat([Uint8Array.of(2), ...same]), 0x04), same],
  ];
  test.each(cases)("%s", (_, block, expected) => {
    const packets = read([[...HEAD, cluster(0, block)]]);
    expect(packets.map(({ data }) => data)).toEqual([...expected]);
    expect(timesOf(packets)).toEqual([10, 30, 50]);
  });
});

test("the codec's own delay is taken off audio, and what ends before zero is left out", () => {
  const delayed = audioTrack({ more: [element(MKV.codecDelay, uint(26_500_000))] });
  const blocks = [0, 20, 40].map((time) => simpleBlock(2, time, OPUS));
  const packets = read([[header(), tracks(videoTrack(), delayed), cluster(0, ...blocks)]]);
  expect(timesOf(packets)).toEqual([-6.5, 13.5]);
});

test("bytes that were stripped from the front of frames are put back", () => {
  const stripped = element(
    MKV.contentEncodings,
    element(
      MKV.contentEncoding,
      element(
        MKV.contentCompression,
        element(MKV.contentCompressionAlgorithm, [3]),
        element(MKV.contentCompressionSettings, vp8Frame(true).subarray(0, 6)),
      ),
    ),
  );
  const block = simpleBlock(1, 0, vp8Frame(true).subarray(6));
  const packets = read([[header(), tracks(videoTrack({ more: [stripped] })), cluster(0, block)]]);
  expect(packets[0]?.data).toEqual(vp8Frame(true));
});

test("a segment may begin a new file, or go on anywhere in the last one", () => {
  const first = concat([...HEAD, cluster(0, picture(0), picture(40), picture(80))]);
  const second = concat([...HEAD, cluster(120, picture(0, true), picture(40))]);
  expect(timesOf(read([[first], [second]]))).toEqual([0, 40, 80, 120, 160]);
  for (let cut = 1; cut < first.length; cut++) {
    const pieces = [[first.subarray(0, cut)], [first.subarray(cut)], [second]];
    expect(timesOf(read(pieces))).toEqual([0, 40, 80, 120, 160]);
  }
});

test("a file that begins in the middle of a block replaces it", () => {
  const whole = concat([...HEAD, cluster(0, picture(0), picture(40))]);
  const next = [...HEAD, cluster(500, picture(0, true))];
  expect(timesOf(read([[whole.subarray(0, -10)], next]))).toEqual([0, 500]);
  expect(timesOf(read([[whole.subarray(0, -10)], [cluster(500, picture(0, true))]]))).toEqual([
    0, 500,
  ]);
});

test("the same packets come out however the bytes are cut", () => {
  const bytes = [
    ...HEAD,
    element(MKV.void, new Uint8Array(500)),
    cluster(0, picture(0), simpleBlock(2, 5, OPUS), picture(40)),
    element(MKV.tags, new Uint8Array(70)),
    sizedCluster(80, blockGroup(1, 0, vp8Frame(true, 5000)), simpleBlock(2, 5, OPUS)),
    cluster(120, picture(0), picture(40)),
  ];
  const expected = read([bytes]);
  expect(expected.length).toBe(7);
  for (const size of [1, 2, 3, 7, 100, 1316]) {
    expect(read([bytes], new MatroskaDemuxer(), size)).toEqual(expected);
  }
});

describe("pictures that are shown in another order than they are decoded", () => {
  const H264 = { codec: "V_MPEG4/ISO/AVC", config: AVC_CONFIG };
  const frame = (time: number): Uint8Array =>
    simpleBlock(1, time, slice(30, time === 0 ? "idr" : "p"));
  test("get decoding times that rise and are never later than their presentation", () => {
    const order = [0, 160, 80, 40, 120, 320, 240, 200, 280];
    const packets = video(
      read([[header("matroska"), tracks(videoTrack(H264)), cluster(0, ...order.map(frame))]]),
    );
    expect(timesOf(packets)).toEqual(order);
    for (const [index, { dts }] of packets.entries()) {
      expect(dts).toBeGreaterThan(packets[index - 1]?.dts ?? Number.NEGATIVE_INFINITY);
    }
    // This stream does not say how deep it reorders: that is known once one group has come.
    for (const { pts, dts } of packets.slice(5)) expect(dts).toBeLessThanOrEqual(pts);
  });
});

describe("H.264", () => {
  const sample = slice(30, "idr");
  const stream = concat([PARAMETER_SETS, Uint8Array.of(0, 0, 0, 1), sample.subarray(4)]);
  test("in length-prefixed samples becomes Annex B with the parameter sets of the track", () => {
    const track = videoTrack({ codec: "V_MPEG4/ISO/AVC", config: AVC_CONFIG });
    const block = simpleBlock(1, 0, sample, 0);
    const [packet] = video(read([[header(), tracks(track), cluster(0, block)]]));
    expect(packet).toMatchObject({ codec: "h264", keyFrame: true });
    expect(packet?.data).toEqual(stream);
  });

  test("may be entered at an I picture that is not IDR, if the file says so", () => {
    const track = videoTrack({ codec: "V_MPEG4/ISO/AVC", config: AVC_CONFIG });
    const entry = slice(30, "i");
    const blocks = [
      simpleBlock(1, 0, entry, 0x80),
      simpleBlock(1, 40, entry, 0),
      blockGroup(1, 80, entry),
      blockGroup(1, 120, entry, element(MKV.referenceBlock, [0xd8])),
      simpleBlock(1, 160, slice(30, "p"), 0x80),
    ];
    const packets = video(read([[header(), tracks(track), cluster(0, ...blocks)]]));
    expect(packets.map(({ keyFrame }) => keyFrame)).toEqual([true, false, true, false, false]);
  });

  test("as browsers record it, a byte stream without a configuration, passes as it is", () => {
    const track = videoTrack({ codec: "V_MPEG4/ISO/AVC" });
    const [packet] = video(
      read([[header("matroska"), tracks(track), cluster(0, simpleBlock(1, 0, stream, 0))]]),
    );
    expect(packet).toMatchObject({ codec: "h264", keyFrame: true });
    expect(packet?.data).toEqual(stream);
  });
});

test("a hidden frame of VP8 is marked: no picture comes out of it", () => {
  const hidden = vp8Frame(false);
  hidden[0] = 0x01;
  const packets = video(read([[...HEAD, cluster(0, picture(0), simpleBlock(1, 39, hidden, 0))]]));
  expect(packets.map((packet) => packet.hidden ?? false)).toEqual([false, true]);
});

test("a display size that differs in shape makes pixels that are not square", () => {
  const sized = (width: number, height: number, unit = 0): EncodedPacket[] =>
    read([
      [
        header(),
        tracks(
          videoTrack(
            {},
            element(MKV.displayWidth, uint(width)),
            element(MKV.displayHeight, uint(height)),
            element(MKV.displayUnit, [unit]),
          ),
        ),
        cluster(0, picture(0)),
      ],
    ]);
  const aspectOf = (packets: readonly EncodedPacket[]): number | null => {
    const { pixelAspect } = video(packets)[0] ?? {};
    return pixelAspect ? pixelAspect.width / pixelAspect.height : null;
  };
  expect(aspectOf(sized(320, 240))).toBeNull();
  expect(aspectOf(sized(640, 480))).toBeNull();
  expect(aspectOf(sized(426, 240))).toBeCloseTo(1.33, 2);
  expect(aspectOf(sized(16, 9, 3))).toBeCloseTo(1.333, 3);
  expect(aspectOf(sized(16, 9, 4))).toBeNull();
});

test("a rectangular projection that is rolled turns the picture; others leave it as it is", () => {
  const turned = (type: number, roll: number, yaw = 0): unknown => {
    const projection = element(
      MKV.projection,
      element(MKV.projectionType, [type]),
      element(MKV.projectionYaw, float(yaw)),
      element(MKV.projectionRoll, float(roll)),
    );
    const track = videoTrack({}, projection);
    return video(read([[header(), tracks(track), cluster(0, picture(0))]]))[0]?.orientation;
  };
  expect(turned(0, 0)).toBeUndefined();
  expect(turned(0, -90)).toEqual({ rotation: 90, mirrored: false });
  expect(turned(0, 90, 180)).toEqual({ rotation: 270, mirrored: true });
  expect(turned(0, 90, 30)).toBeUndefined();
  expect(turned(1, 90)).toBeUndefined();
});

describe("what cannot be read is named", () => {
  const troublesOf = (...entries: readonly Uint8Array[]): (string | null)[] => {
    const demuxer = new MatroskaDemuxer();
    read([[header("matroska"), tracks(...entries), cluster(0)]], demuxer);
    return demuxer.takeTroubles().map(({ error }) => error?.message ?? null);
  };
  const encoded = (...more: readonly Uint8Array[]): Uint8Array =>
    element(MKV.contentEncodings, element(MKV.contentEncoding, ...more));
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["video is MPEG-2", videoTrack({ codec: "V_MPEG2" })],
    ["video is MPEG-4 Visual", videoTrack({ codec: "V_MPEG4/ISO/ASP" })],
    ['video is "V_SOMETHING"', videoTrack({ codec: "V_SOMETHING" })],
    [
      "video is WMV3 as in AVI",
      videoTrack({
        codec: "V_MS/VFW/FOURCC",
        config: [...new Uint8Array(16), ...text("WMV3"), ...new Uint8Array(20)],
      }),
    ],
    [
      "video is encrypted V_VP9",
      videoTrack({ codec: "V_VP9", more: [encoded(element(MKV.contentEncodingType, [1]))] }),
    ],
    ["video is compressed V_VP8", videoTrack({ more: [encoded(element(MKV.contentCompression))] })],
  ];
  test.each(cases)("%s", (message, track) => {
    const troubles = troublesOf(track, audioTrack());
    expect(troubles).toEqual([
      `the input's ${message}, which is not supported: send H.264, H.265, VP8, VP9 or AV1`,
    ]);
  });

  test("audio that cannot be read leaves the pictures alone", () => {
    expect(troublesOf(videoTrack(), audioTrack({ codec: "A_PCM/INT/LIT" })).join()).toMatch(
      /audio is PCM.*the stream continues without audio/,
    );
  });

  test("a document that is not Matroska", () => {
    const demuxer = new MatroskaDemuxer();
    read([[header("other")]], demuxer);
    expect(demuxer.takeTroubles()[0]?.error?.message).toMatch(
      /of the type "other", not "matroska"/,
    );
  });
});

test.each([
  [-133_149, 2, { sampleRate: 8000, channels: 2 }],
  [1e300, 2, { sampleRate: 8000, channels: 2 }],
  [Number.NaN, 2, { sampleRate: 8000, channels: 2 }],
  [0.2, 0, { sampleRate: 8000, channels: 1 }],
  [44_100, 65_536, { sampleRate: 44_100, channels: 1 }],
])(
  "a rate of %d Hz and %d channels that no codec has are taken for none",
  (sampleRate, channels, sound) => {
    const demuxer = new MatroskaDemuxer();
    const track = audioTrack({ codec: "A_AAC/MPEG4/LC", sampleRate, channels });
    read([[header("matroska"), tracks(videoTrack(), track)]], demuxer);
    expect(demuxer.announcedAudio?.format).toMatchObject(sound);
  },
);

test("audio codecs and their configurations", () => {
  const formatOf = (codec: string, config?: readonly number[]): object | null | undefined => {
    const demuxer = new MatroskaDemuxer();
    const track = audioTrack({ codec, ...(config && { config }) });
    read([[header("matroska"), tracks(videoTrack(), track)]], demuxer);
    return demuxer.announcedAudio?.format;
  };
  const opusHead = [...text("OpusHead"), 1, 1, 56, 1, 0x80, 0xbb, 0, 0, 0, 0, 0];
  expect(formatOf("A_OPUS", opusHead)).toEqual({ codec: "opus", sampleRate: 48_000, channels: 1 });
  expect(formatOf("A_OPUS")).toEqual({ codec: "opus", sampleRate: 48_000, channels: 2 });
  expect(formatOf("A_AAC", [0x12, 0x10])).toEqual({
    codec: "aac",
    sampleRate: 44_100,
    channels: 2,
  });
  expect(formatOf("A_AAC/MPEG4/LC")).toEqual({ codec: "aac", sampleRate: 48_000, channels: 2 });
  expect(formatOf("A_MPEG/L3")).toEqual({ codec: "mp3", sampleRate: 48_000, channels: 2 });
  expect(formatOf("A_EAC3")).toEqual({ codec: "eac3", sampleRate: 48_000, channels: 2 });
  expect(formatOf("A_VORBIS", [2, 1, 1, 9, 9, 9])).toMatchObject({
    codec: "vorbis",
    config: Uint8Array.of(2, 1, 1, 9, 9, 9),
  });
  expect(formatOf("A_VORBIS")).toBeUndefined();
});
