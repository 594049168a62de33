import { expect, test } from "bun:test";
import { patSection, pmtSection } from "../../../../src/engine/segment/ts-program.ts";
import { readPat, readPmt } from "../../../../src/engine/source/ts/tables.ts";
import { crc32 } from "../../../../src/media/mpeg-ts.ts";

test("the checksum is that of MPEG-2 systems", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0x0376e6e7);
  for (const section of [
    patSection(),
    pmtSection(null),
    pmtSection({ codec: "opus", channels: 2 }),
  ])
    expect(crc32(section)).toBe(0);
});

test("the PAT names the PMT, and the PMT its tracks and the PID of the clock", () => {
  expect(readPat(patSection())?.programs).toEqual([{ program: 1, mapPid: 0x1000 }]);
  for (const [audio, tracks] of [
    [null, 1],
    [{ codec: "aac", channels: 2 }, 2],
    [{ codec: "opus", channels: 1 }, 2],
  ] as const) {
    const section = pmtSection(audio);
    expect([...section.subarray(8, 10)]).toEqual([0xe1, 0x00]);
    const read = readPmt(section)?.tracks ?? [];
    expect(read.length).toBe(tracks);
    expect(read[0]).toEqual({ kind: "video", pid: 0x100, codec: "h264" });
    if (audio) expect(read[1]).toMatchObject({ kind: "audio", pid: 0x101, codec: audio.codec });
  }
});

test("Opus is never announced with zero channels, at which readers give up", () => {
  const section = pmtSection({ codec: "opus", channels: 0 });
  expect(readPmt(section)?.tracks[1]).toMatchObject({ opusChannels: 1 });
  expect([...section.subarray(-7, -4)]).toEqual([2, 0x80, 1]);
});
