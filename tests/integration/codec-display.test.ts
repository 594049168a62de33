/** Decoded frames as a screen shows them: pixel shape, orientation, fields, and sizes that are refused. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { decode } from "../../src/engine/codec/decode-stream.ts";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { VideoFrame } from "../../src/engine/codec/video-frame.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { pool } from "../support/clip-codec.ts";
import { sps } from "../support/nal-builder.ts";
import { NalWriter } from "../support/nal-writer.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { concat } from "../support/ts-builder.ts";
import { encodeVideo, type VideoSourceOptions } from "../support/video-source.ts";

beforeAll(quietLibav);
afterEach(() => {
  expect(pool.live).toBe(0);
});

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pts: number;
  readonly at: (x: number, y: number) => number;
}

function pictureOf({ native, width, height, pts }: VideoFrame): Picture {
  const plane = (native.data?.[0] ?? new Uint8Array()).slice();
  const stride = native.linesize[0] ?? 0;
  return { width, height, pts, at: (x, y) => plane[y * stride + x] ?? -1 };
}

async function shown(packets: readonly VideoPacket[]) {
  const stages = new StageGroup();
  const observer = new RecordingObserver();
  const input = new ReadableStream<VideoPacket>({
    start(controller) {
      for (const packet of packets) controller.enqueue(packet);
      controller.close();
    },
  });
  const pictures: Picture[] = [];
  for await (const frame of input.pipeThrough(
    stages.add(decode({ pool, calls: UNRECORDED_CALLS, observer })),
  )) {
    pictures.push(pictureOf(frame));
    frame[Symbol.dispose]();
  }
  await stages.settled();
  return { pictures, observer };
}

const SOURCE = { width: 64, height: 48, frames: 5 } as const;
/** Bright at the left and at the top left corner brighter still: tells all eight orientations apart. */
const corner = (x: number, y: number): number => (x < 32 ? (y < 24 ? 220 : 140) : 40);

describe("pixels that are not square", () => {
  const circle =
    (width: number, height: number, aspect: number) =>
    (x: number, y: number): number =>
      Math.hypot((x - width / 2) * aspect, y - height / 2) < height / 4 ? 220 : 30;
  /** Width and height of what is bright. */
  const extent = ({ width, height, at }: Picture): [number, number] => {
    const row = Array.from({ length: width }, (_, x) => at(x, height / 2));
    const column = Array.from({ length: height }, (_, y) => at(width / 2, y));
    return [row.filter((luma) => luma > 125).length, column.filter((luma) => luma > 125).length];
  };

  for (const [pixelAspect, size] of [
    [
      [4, 3],
      [240, 240, 320, 240],
    ],
    [
      [16, 11],
      [176, 144, 256, 144],
    ],
    [
      [8, 9],
      [180, 120, 160, 120],
    ],
    [
      [137, 100],
      [160, 120, 220, 120],
    ],
  ] as const) {
    test(`of ${pixelAspect.join(":")} are made square: a circle is round`, async () => {
      const [width, height, shownWidth, shownHeight] = size;
      const luma = circle(width, height, pixelAspect[0] / pixelAspect[1]);
      for (const codec of ["libx264", "libx265"] as const) {
        const { pictures } = await shown(
          encodeVideo({ codec, width, height, frames: 2, luma, pixelAspect }),
        );
        expect(pictures.length).toBe(2);
        for (const picture of pictures) {
          expect([picture.width, picture.height]).toEqual([shownWidth, shownHeight]);
          const [across, down] = extent(picture);
          expect(Math.abs(across - down)).toBeLessThanOrEqual(3);
        }
      }
    });
  }

  test("are made square by what the container says, which wins", async () => {
    const packets = encodeVideo({ ...SOURCE, luma: corner, pixelAspect: [1, 1] });
    const hinted = packets.map((packet) => ({ ...packet, pixelAspect: { width: 3, height: 2 } }));
    const { pictures } = await shown(hinted);
    expect(pictures.map(({ width, height }) => [width, height])).toEqual(Array(5).fill([96, 48]));
  });

  test("beyond belief stay as they are", async () => {
    const packets = encodeVideo({ ...SOURCE, luma: corner, pixelAspect: [1000, 1] });
    const { pictures } = await shown(packets);
    expect(pictures[0]?.width).toBe(64);
  });
});

describe("orientation", () => {
  /** The luma near each corner, clockwise from the top left. */
  const corners = ({ width, height, at }: Picture): string =>
    [at(8, 8), at(width - 8, 8), at(width - 8, height - 8), at(8, height - 8)]
      .map((luma) => (luma > 180 ? "A" : luma > 90 ? "B" : "."))
      .join("");
  /** A display orientation message (ISO/IEC 14496-10 §D.1.27). */
  const message = (flips: number, anticlockwise: number): NalWriter =>
    new NalWriter()
      .bits(0, 1)
      .bits(flips, 2)
      .bits(anticlockwise * 16384, 16)
      .ue(1)
      .bits(0, 1);
  const withMessage = (packet: VideoPacket, flips: number, turns: number): VideoPacket => {
    const payload = message(flips, turns).nal([]).subarray(4);
    const header = packet.codec === "h264" ? [6] : [39 << 1, 1];
    const sei = Uint8Array.from([0, 0, 0, 1, ...header, 47, payload.length, ...payload, 0x80]);
    return { ...packet, data: concat([sei, packet.data]) };
  };

  for (const codec of ["libx264", "libx265"] as const) {
    test(`that an SEI message of ${codec} names is applied`, async () => {
      const packets = encodeVideo({ ...SOURCE, codec, luma: corner });
      const seen: string[] = [];
      for (const [flips, turns] of [
        [0, 0],
        [0, 1],
        [0, 2],
        [0, 3],
        [2, 0],
        [1, 0],
      ] as const) {
        const { pictures } = await shown(packets.map((each) => withMessage(each, flips, turns)));
        expect(pictures.length).toBe(5);
        const [first] = pictures;
        if (!first) continue;
        expect([first.width, first.height]).toEqual(turns % 2 ? [48, 64] : [64, 48]);
        seen.push(corners(first));
      }
      // As coded, a quarter, a half and three quarters anticlockwise, flipped across and down.
      expect(seen).toEqual(["A..B", "..BA", ".BA.", "BA..", ".AB.", "B..A"]);
    });
  }

  test("that an SEI message names at a key frame counts until the next one", async () => {
    const params = "keyint=4:min-keyint=4:scenecut=0:bframes=0";
    for (const codec of ["libx264", "libx265"] as const) {
      const packets = encodeVideo({ ...SOURCE, codec, frames: 12, luma: corner, params });
      const marked = packets.map((each, at) => (at % 8 === 0 ? withMessage(each, 0, 1) : each));
      const { pictures } = await shown(marked);
      const [turned, coded] = [Array(4).fill("..BA"), Array(4).fill("A..B")];
      // FFmpeg keeps the message of an H.265 stream until another one comes.
      const between = codec === "libx264" ? coded : turned;
      expect(pictures.map(corners)).toEqual([...turned, ...between, ...turned]);
    }
  });

  test("that the container names is applied", async () => {
    const packets = encodeVideo({ ...SOURCE, luma: corner });
    const seen: string[] = [];
    for (const rotation of [0, 90, 180, 270] as const) {
      for (const mirrored of [false, true]) {
        const orientation = { rotation, mirrored };
        const { pictures } = await shown(packets.map((packet) => ({ ...packet, orientation })));
        seen.push(pictures[4] ? corners(pictures[4]) : "");
      }
    }
    expect(seen).toEqual(["A..B", ".AB.", "BA..", "..AB", ".BA.", "B..A", "..BA", "AB.."]);
  });

  test("and pixel shape go together: the pixels are those of the coded picture", async () => {
    const packets = encodeVideo({ ...SOURCE, luma: corner, pixelAspect: [2, 1] });
    const orientation = { rotation: 90, mirrored: false } as const;
    const { pictures } = await shown(packets.map((packet) => ({ ...packet, orientation })));
    expect([pictures[0]?.width, pictures[0]?.height]).toEqual([48, 128]);
  });
});

describe("interlaced video", () => {
  /** A bar that moves by 8 pixels a field. */
  const bar = (x: number, _y: number, time: number): number => {
    const left = 16 + time * 16;
    return x >= left && x < left + 24 ? 220 : 30;
  };
  /** How far neighbouring rows differ: combs make it large. */
  const combing = ({ width, height, at }: Picture): number => {
    let sum = 0;
    for (let y = 8; y + 8 < height; y++) {
      for (let x = 0; x < width; x++) sum += Math.abs(at(x, y) - at(x, y + 1));
    }
    return sum / width / height;
  };
  const source = (options: Partial<VideoSourceOptions>): VideoSourceOptions => ({
    width: 256,
    height: 96,
    frames: 12,
    luma: bar,
    ...options,
  });

  for (const fields of ["top", "bottom"] as const) {
    test(`with the ${fields} field first loses its combs and no picture`, async () => {
      const packets = encodeVideo(source({ fields }));
      const { pictures, observer } = await shown(packets);
      expect(pictures.map(({ pts }) => pts)).toEqual(
        Array.from({ length: 12 }, (_, index) => index * 3600),
      );
      expect(observer.framesDropped).toBe(0);
      for (const picture of pictures.slice(1, -1)) expect(combing(picture)).toBeLessThan(4);
    });
  }

  test("of H.265, whose frames are single fields, keeps them as they are", async () => {
    const packets = encodeVideo(source({ codec: "libx265", params: "interlace=tff:bframes=0" }));
    const [fields, frames] = await Promise.all([
      shown(packets),
      shown(encodeVideo(source({ codec: "libx265", params: "bframes=0" }))),
    ]);
    expect(fields.pictures.length).toBe(12);
    const row = ({ at }: Picture): number[] => Array.from({ length: 256 }, (_, x) => at(x, 48));
    for (const [index, picture] of fields.pictures.entries()) {
      const other = frames.pictures[index];
      const far = row(picture).filter((luma, x) => Math.abs(luma - (other?.at(x, 48) ?? 0)) > 40);
      expect(far.length).toBeLessThan(4);
    }
  });

  test("does not make progressive frames wait", async () => {
    const packets = encodeVideo(source({ params: "bframes=0:rc-lookahead=0" }));
    const stages = new StageGroup();
    const stage = decode({ pool, calls: UNRECORDED_CALLS, observer: new RecordingObserver() });
    const found: number[] = [];
    const { writable, readable } = stages.add(stage, 1);
    const [writer, reader] = [writable.getWriter(), readable.getReader()];
    for (const packet of packets) {
      void writer.write(packet);
      const { value } = await reader.read();
      found.push(value?.pts ?? -1);
      value?.[Symbol.dispose]();
    }
    await Promise.all([writer.close(), reader.read()]);
    await stages.settled();
    expect(found).toEqual(packets.map(({ pts }) => Number(pts)));
  });

  test("that becomes progressive, and larger, and interlaced again loses nothing", async () => {
    const parts = [
      source({ fields: "top" }),
      source({ frames: 60 }),
      source({ width: 320, fields: "bottom" }),
      source({ width: 320, frames: 3 }),
    ];
    let start = 0;
    const packets = parts.flatMap((part) => {
      const own = encodeVideo({ ...part, params: "bframes=0" }).map((packet) => ({
        ...packet,
        pts: (packet.pts + start) as VideoPacket["pts"],
        dts: (packet.dts + start) as VideoPacket["dts"],
      }));
      start += part.frames * 3600;
      return own;
    });
    const { pictures, observer } = await shown(packets);
    expect(pictures.map(({ pts }) => pts / 3600)).toEqual(
      Array.from({ length: 87 }, (_, index) => index),
    );
    expect(observer.framesDropped).toBe(0);
  });
});

describe("pictures that are too large", () => {
  test("are refused before they are decoded, and the stream goes on with smaller ones", async () => {
    const small = encodeVideo({ ...SOURCE, luma: corner, params: "bframes=0" });
    const [key] = small;
    if (!key) throw new Error("no key frame");
    const large: VideoPacket = {
      ...key,
      data: concat([sps({ width: 1000, height: 1000 }), Uint8Array.of(0, 0, 1, 0x65, 0x88, 0x84)]),
    };
    const later = small.map((packet) => ({
      ...packet,
      pts: (packet.pts + 90_000) as VideoPacket["pts"],
      dts: (packet.dts + 90_000) as VideoPacket["dts"],
    }));
    const { pictures, observer } = await shown([...small, large, ...small.slice(1), ...later]);
    expect(pictures.length).toBe(10);
    expect(observer.framesDropped).toBe(5);
    expect(observer.troubles.map(({ message }) => message)).toEqual([
      expect.stringContaining("16000x16000; at most 9437184 pixels"),
    ]);
    expect(observer.recovered).toEqual(["input"]);
  });
});
