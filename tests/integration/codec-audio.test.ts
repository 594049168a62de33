/** Sound from one codec to the other: everything stays at its own time. */
import { beforeAll, describe, expect, test } from "bun:test";
import { AudioTarget } from "../../src/engine/codec/audio-target.ts";
import { transcodeAudio } from "../../src/engine/codec/audio-transcode.ts";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { PlainError } from "../../src/errors.ts";
import type { AudioPacket } from "../../src/media/encoded-packet.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import {
  beeps,
  hear,
  makeSound,
  type SoundOptions,
  soundStream,
  transcoded,
} from "../support/sound.ts";

beforeAll(quietLibav);

const TIMES = [0.5, 1.5, 2.5];
const FIVE: SoundOptions = { codec: "aac", seconds: 3, wave: beeps(...TIMES) };

/** All of `found` within 10 ms of `wanted`, half of what picture and sound may be apart. */
function expectAt(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [index, time] of wanted.entries()) {
    expect(Math.abs((found[index] ?? 0) - time)).toBeLessThan(0.01);
  }
}

/** Where a packet does not begin at the end of the one before it: that end and its own pts. */
const breaks = (packets: readonly AudioPacket[]): [number, number][] =>
  packets.flatMap(({ pts }, index) => {
    const before = packets[index - 1];
    if (!before || Math.abs(pts - before.pts - before.duration) <= 2) return [];
    return [[Number(before.pts + before.duration), Number(pts)]];
  });

const shifted = (packets: readonly AudioPacket[], by: number): AudioPacket[] =>
  packets.map((packet) => ({ ...packet, pts: ticks(packet.pts + by) }));

test.each([
  ["aac", "opus", 48_000, 2],
  ["aac", "opus", 48_000, 1],
  ["aac", "opus", 44_100, 2],
  ["aac", "opus", 22_050, 1],
  ["aac", "opus", 48_000, 6],
  ["opus", "aac", 48_000, 2],
  ["opus", "aac", 48_000, 1],
] as const)(
  "a beep in %s comes out in %s at its own time (%d Hz, %d channels)",
  async (from, codec, sampleRate, channels) => {
    const start = 90_000;
    const input = makeSound({ ...FIVE, codec: from, sampleRate, channels, start });
    const made = await transcoded(input, codec);
    const heard = hear(made);
    expectAt(
      heard.onsets,
      TIMES.map((time) => time + 1),
    );
    expect(heard.refused).toBe(0);
    expect(breaks(made)).toEqual([]);
    const formats = new Set(
      made.map((each) => `${each.codec} ${each.sampleRate} ${each.channels}`),
    );
    expect([...formats]).toEqual([`${codec} 48000 ${Math.min(2, channels)}`]);
    expect(made[0]?.pts).toBe(ticks(input[0]?.pts ?? -1));
  },
);

test("packets of the output's codec pass untouched", async () => {
  const input = makeSound({ codec: "opus", seconds: 1 });
  const made = await transcoded(input, "opus");
  expect(made.length).toBe(input.length);
  for (const [index, packet] of made.entries()) expect(packet).toBe(input[index] as AudioPacket);
});

test("left and right are not swapped", async () => {
  const wave = (seconds: number, channel: number): number =>
    beeps(channel === 0 ? 0.5 : 1.5)(seconds);
  const made = await transcoded(makeSound({ ...FIVE, wave }), "opus");
  expectAt(hear(made, 0).onsets, [0.5]);
  expectAt(hear(made, 1).onsets, [1.5]);
});

test("a packet has the arrival time of the input packet that completed it", async () => {
  const input = makeSound({ ...FIVE, sampleRate: 44_100 });
  const made = await transcoded(input, "opus");
  for (const { arrivedAt, pts, duration } of made.slice(0, -2)) {
    const last = input[arrivedAt];
    expect(last && last.pts + last.duration >= pts + duration).toBe(true);
    expect(last && last.pts - (pts + duration)).toBeLessThan(0.05 * 90_000);
  }
});

describe("timestamps", () => {
  test("a gap stays a gap, and the audio behind it is on time", async () => {
    const input = makeSound({ ...FIVE, sampleRate: 44_100 });
    const kept = input.filter(({ pts }) => pts < 90_000 || pts >= 2 * 90_000);
    const made = await transcoded(kept, "opus");
    const joints = breaks(made);
    expect(joints.length).toBe(1);
    expect(Math.abs((joints[0]?.[0] ?? 0) - 90_000)).toBeLessThan(0.05 * 90_000);
    expect(joints[0]?.[1]).toBe(Number(kept.find(({ pts }) => pts >= 2 * 90_000)?.pts));
    expectAt(hear(made).onsets, [0.5, 2.5]);
  });

  test("missing and repeated packets neither interrupt nor shift the audio", async () => {
    const input = makeSound({ ...FIVE, sampleRate: 44_100 });
    const loud = ({ pts }: AudioPacket): boolean =>
      TIMES.some((time) => Math.abs(pts - time * 90_000) < 5000);
    const uneven = input.flatMap((packet, index) => {
      if (loud(packet)) return [packet];
      return index % 10 === 5 ? [] : index % 10 === 0 ? [packet, packet] : [packet];
    });
    expect(new Set(uneven).size).toBeLessThan(input.length - 5);
    expect(uneven.length).toBeGreaterThan(new Set(uneven).size + 5);
    const made = await transcoded(uneven, "opus");
    expect(breaks(made)).toEqual([]);
    expectAt(hear(made).onsets, TIMES);
  });

  test("rounded to milliseconds still give an even stream", async () => {
    const input = makeSound({ ...FIVE, sampleRate: 44_100 }).map((packet) => ({
      ...packet,
      pts: ticks(Math.round(packet.pts / 90) * 90),
    }));
    const made = await transcoded(input, "opus");
    expect(breaks(made)).toEqual([]);
    expectAt(hear(made).onsets, TIMES);
  });

  test("that run faster or slower than the samples are followed", async () => {
    for (const pace of [1.01, 0.99]) {
      const input = makeSound(FIVE).map((packet) => ({
        ...packet,
        pts: ticks(Math.round(packet.pts * pace)),
      }));
      expectAt(
        hear(await transcoded(input, "opus")).onsets,
        TIMES.map((time) => time * pace),
      );
    }
  });

  test("that jump back or ahead are followed at once", async () => {
    const input = makeSound(FIVE);
    const made = await transcoded(
      [...shifted(input, 900_000), ...input, ...shifted(input, 9_000_000)],
      "opus",
    );
    expect(breaks(made).length).toBe(2);
    expectAt(
      hear(made).onsets,
      [10, 0, 100].flatMap((from) => TIMES.map((time) => from + time)),
    );
  });
});

test("a change of rate and channels in mid-stream does not change the output's format", async () => {
  const parts = [
    { sampleRate: 48_000, channels: 2 },
    { sampleRate: 22_050, channels: 1 },
    { sampleRate: 44_100, channels: 6 },
  ];
  const input = parts.flatMap((part, index) =>
    makeSound({ ...FIVE, ...part, start: index * 3 * 90_000 }),
  );
  const made = await transcoded(input, "opus");
  expectAt(
    hear(made).onsets,
    [0, 3, 6].flatMap((from) => TIMES.map((time) => from + time)),
  );
  expect(made.every(({ channels }) => channels === 2)).toBe(true);
  expect(breaks(made)).toEqual([]);
});

test("a change to the output's codec and back loses nothing and keeps the order", async () => {
  const input = (["aac", "opus", "aac"] as const).flatMap((codec, index) =>
    makeSound({ ...FIVE, codec, start: index * 4 * 90_000 }),
  );
  const made = await transcoded(input, "opus");
  expectAt(
    hear(made).onsets,
    [0, 4, 8].flatMap((from) => TIMES.map((time) => from + time)),
  );
});

test("audio that cannot become what the output began with is left out, which is reported once", async () => {
  const reported: string[] = [];
  const observer = {
    trouble: (part: string, error: PlainError | null) =>
      void reported.push(`${part}: ${error?.message ?? "recovered"}`),
  };
  const second = (start: number, codec: "aac" | "opus", sampleRate: number) =>
    makeSound({ codec, seconds: 1, sampleRate, start: start * 90_000 });
  const aac = [...second(0, "aac", 44_100), ...second(2, "aac", 44_100)];
  const input = [...aac, ...second(1, "opus", 48_000)].toSorted((a, b) => a.pts - b.pts);
  const kept = await transcoded(input, "aac", observer);
  expect(new Set(kept.map(({ codec, sampleRate }) => `${codec} ${sampleRate}`))).toEqual(
    new Set(["aac 44100"]),
  );
  expect(kept.length).toBe(aac.length);
  expect(reported[0]).toStartWith(
    "audio: the input's audio (opus) is left out: the output began with aac of 44100 Hz",
  );
  expect(reported.at(-1)).toBe("audio: recovered");
});

test("damaged, empty and contradictory packets cost their own audio only", async () => {
  let state = 11;
  const random = (): number => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
  for (const [codec, to] of [
    ["aac", "opus"],
    ["opus", "aac"],
  ] as const) {
    const clean = makeSound({ ...FIVE, codec });
    for (let round = 0; round < 8; round++) {
      const input = clean.map((packet) => {
        if (packet.pts > 1.2 * 90_000 || random() < 0.5) return packet;
        const kind = Math.floor(random() * 4);
        if (kind === 0) return { ...packet, data: new Uint8Array(0) };
        if (kind === 1) return { ...packet, data: packet.data.subarray(0, 7) };
        if (kind === 2) return { ...packet, sampleRate: 0, channels: 11 };
        const data = packet.data.map((byte) => (random() < 0.1 ? random() * 256 : byte));
        return { ...packet, data };
      });
      const heard = hear(await transcoded(input, to));
      expectAt(
        heard.onsets.filter((time) => time > 1.4),
        [1.5, 2.5],
      );
    }
  }
});

test("audio that cannot be decoded is reported once, and its recovery, too", async () => {
  const reported: (string | null)[] = [];
  const observer = {
    trouble: (part: string, error: { message: string } | null) =>
      void reported.push(`${part}: ${error?.message ?? "recovered"}`),
  };
  const clean = makeSound({ ...FIVE, seconds: 6 });
  const input = clean.map((packet) =>
    packet.pts < 4 * 90_000 ? { ...packet, data: new Uint8Array(9).fill(0xff) } : packet,
  );
  expect((await transcoded(input, "opus", observer)).length).toBeGreaterThan(50);
  expect(reported).toEqual([
    expect.stringMatching(/^audio: the input's audio \(aac\) cannot be decoded/),
    "audio: recovered",
  ]);
});

test("everything is released when a reader cancels", async () => {
  const stages = new StageGroup();
  const output = soundStream(makeSound(FIVE)).pipeThrough(
    stages.add(
      transcodeAudio({
        calls: UNRECORDED_CALLS,
        target: new AudioTarget({ codec: "opus", copies: () => false, fixes: "format" }),
        observer: { trouble: () => {} },
      }),
    ),
  );
  const reader = output.getReader();
  expect((await reader.read()).value?.codec).toBe("opus");
  await reader.cancel("gone");
  await stages.settled();
});

test("memory does not grow over 10,000 packets and a hundred gaps", async () => {
  const input = makeSound({ codec: "aac", seconds: 2, sampleRate: 44_100 });
  async function* packets(count: number): AsyncGenerator<AudioPacket> {
    const period = 3 * 90_000;
    for (let index = 0; index < count; index++) {
      const packet = input[index % input.length];
      const round = Math.floor(index / input.length);
      // Native memory that JavaScript has let go of is freed between two turns of the loop.
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (packet) yield { ...packet, pts: ticks(packet.pts + round * period) };
    }
  }
  const rss = async (count: number): Promise<number> => {
    expect((await transcoded(packets(count), "opus")).length).toBeGreaterThan(count);
    Bun.gc(true);
    return process.memoryUsage.rss() / 2 ** 20;
  };
  const before = await rss(2000);
  expect((await rss(10_000)) - before).toBeLessThan(16);
}, 60_000);
