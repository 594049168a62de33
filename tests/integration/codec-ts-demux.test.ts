/** Our transport stream demuxer against FFmpeg's, on what FFmpeg's muxer writes. */
import { expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import type { EncodedPacket } from "../../src/media/encoded-packet.ts";
import { type SegmentOptions, tsSegments } from "../support/clip.ts";
import { type ReadMedia, readMedia } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { CLIPS } from "../support/clips.ts";

quietLibav();

function demux(segments: readonly Uint8Array[], chunk: number): EncodedPacket[] {
  const demuxer = new TsDemuxer();
  return segments.flatMap((segment) => {
    const found: EncodedPacket[] = [];
    for (let at = 0; at < segment.length; at += chunk) {
      found.push(...demuxer.push(segment.subarray(at, at + chunk), 0));
    }
    return [...found, ...demuxer.endSegment(0)];
  });
}

const stamps = ({ pts, dts }: { pts: number; dts: number }): [number, number] => [pts, dts];

/** Same packets, same stamps, same bytes (FFmpeg keeps ADTS headers in the packets of a transport stream). */
function expectSame(found: EncodedPacket[], media: ReadMedia): void {
  const video = found.filter((packet) => packet.kind === "video");
  const audio = found.filter((packet) => packet.kind === "audio");
  const theirs = media.video?.packets ?? [];
  expect(video.map(stamps)).toEqual(theirs.map(stamps));
  expect(video.map(({ data }) => Bun.hash(data))).toEqual(theirs.map(({ data }) => Bun.hash(data)));
  expect(video.map(({ keyFrame }) => keyFrame)).toEqual(theirs.map(({ keyFrame }) => keyFrame));
  expect(audio.map(({ pts }) => Number(pts))).toEqual(
    (media.audio?.packets ?? []).map(({ pts }) => pts),
  );
  for (const [index, packet] of audio.entries()) {
    const { data } = media.audio?.packets[index] ?? { data: new Uint8Array(0) };
    expect(Buffer.from(data).subarray(-packet.data.length).equals(packet.data)).toBe(true);
  }
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

for (const { name, missing, frames, sounds, open } of CLIPS) {
  test.skipIf(missing)(`${name}: the same packets are found as by FFmpeg`, async () => {
    for (const options of [{}, { muxer: { omit_video_pes_length: "0" } }]) {
      const input = await open(options);
      const media = await readMedia(concat(input.segments));
      const found = demux(input.segments, 1316);
      expect(found.filter(({ kind }) => kind === "video").length).toBe(frames);
      expect(found.filter(({ kind }) => kind === "audio").length).toBe(sounds);
      expectSame(found, media);
    }
  });

  test.skipIf(missing)(`${name}: access units leave before the next one starts`, async () => {
    const input = await open({ mute: true });
    let late = 0;
    let all = 0;
    const demuxer = new TsDemuxer();
    for (const segment of input.segments) {
      let begun = 0;
      let given = 0;
      for (let at = 0; at < segment.length; at += 188) {
        const packet = segment.subarray(at, at + 188);
        const pid = (((packet[1] ?? 0) & 0x1f) << 8) | (packet[2] ?? 0);
        const starts = pid === 0x100 && ((packet[1] ?? 0) & 0x40) !== 0;
        if (starts && given < begun) late++;
        if (starts) begun++;
        given += demuxer.push(packet, 0).length;
      }
      given += demuxer.endSegment(0).length;
      all += given;
    }
    expect(all).toBe(frames);
    // One in 184 fills its last packet exactly, so that only the next one shows its end.
    expect(late / all).toBeLessThan(0.02);
  });
}

test("Opus and AAC of all layouts are found as FFmpeg finds them", async () => {
  for (const audio of [
    { codec: "opus", channels: 1 },
    { codec: "opus", channels: 2 },
    { codec: "aac", channels: 2, sampleRate: 44_100 },
    { codec: "aac", channels: 1, sampleRate: 48_000 },
  ] as const) {
    const parts = [{ width: 64, height: 64, frames: 30 }];
    const media = await synthetic({ parts, audio });
    const found = demux(tsSegments(media), 999).filter((packet) => packet.kind === "audio");
    expect(found.map(({ data }) => data)).toEqual(
      media.audio?.packets.map(({ data }) => data) ?? [],
    );
    const format = { codec: audio.codec, channels: audio.channels };
    expect(found[0]).toMatchObject({ ...format, sampleRate: media.audio?.sampleRate ?? 0 });
    const worst = Math.max(
      ...found.map(({ pts }, index) => Math.abs(pts - (media.audio?.packets[index]?.pts ?? 0))),
    );
    expect(worst).toBeLessThanOrEqual(2);
  }
});

test("segments of a muxer each, over the wrap of the clock, go on without a break", async () => {
  const parts = [{ width: 64, height: 64, frames: 60 }];
  const start = 2 ** 33 - 90_000;
  const media = await synthetic({ parts, gop: 10, start, audio: { codec: "aac" } });
  const options: SegmentOptions = { seconds: 0.3, restartCounters: true };
  const found = demux(tsSegments(media, options), 700);
  for (const kind of ["video", "audio"] as const) {
    const mine = found.filter((packet) => packet.kind === kind).map(({ pts }) => Number(pts));
    expect(mine.length).toBe(media[kind]?.packets.length ?? -1);
    expect(mine.at(-1)).toBeGreaterThan(2 ** 33);
    for (const [index, pts] of mine.entries()) {
      expect(Math.abs(pts - (start + index * (kind === "video" ? 3000 : 1920)))).toBeLessThan(2);
    }
  }
});
