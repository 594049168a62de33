import { describe, expect, test } from "bun:test";
import { Timeline } from "../../../../src/engine/source/timeline.ts";
import type { AudioPacket, VideoPacket } from "../../../../src/media/encoded-packet.ts";
import { TICKS_PER_SECOND as SECOND, ticks } from "../../../../src/media/time.ts";

const video = (dts: number, pts = dts): VideoPacket => ({
  kind: "video",
  codec: "h264",
  data: new Uint8Array(0),
  pts: ticks(pts),
  dts: ticks(dts),
  keyFrame: false,
  arrivedAt: 0,
});

const audio = (pts: number): AudioPacket => ({
  kind: "audio",
  codec: "aac",
  data: new Uint8Array(0),
  pts: ticks(pts),
  duration: ticks(1920),
  sampleRate: 48_000,
  channels: 2,
  arrivedAt: 0,
});

const stamps = (timeline: Timeline, packets: (VideoPacket | AudioPacket)[]): number[] =>
  packets.map((packet) => Number(timeline.map(packet).pts));

test("a clock that runs on is left as it is, wherever it begins", () => {
  const start = 7 * 3600 * SECOND;
  const packets = [video(start), audio(start - 500), video(start + 3000, start + 9000)];
  const timeline = new Timeline(null);
  for (const packet of packets) expect(timeline.map(packet)).toBe(packet);
});

test("a pause of minutes and stamps out of order within a second are no jump", () => {
  const timeline = new Timeline(null);
  const late = { ...video(300 * SECOND), arrivedAt: 295_000 };
  const seen = stamps(timeline, [video(0), late, { ...audio(299.5 * SECOND), arrivedAt: 295_000 }]);
  expect(seen).toEqual([0, 300 * SECOND, 299.5 * SECOND]);
});

test("a clock that is set ahead by minutes, and back, leaves no hole in the output", () => {
  const timeline = new Timeline(null);
  const seconds = [0, 1, 302, 303, 304, 5, 6];
  const packets = seconds.flatMap((at, index) => [
    { ...video(at * SECOND), arrivedAt: index * 1000 },
    { ...audio(at * SECOND), arrivedAt: index * 1000 },
  ]);
  const seen = stamps(timeline, packets);
  const pictures = seen.filter((_, index) => index % 2 === 0);
  // Each new clock begins where the last picture's duration ends.
  expect(pictures).toEqual([0, 1, 2, 3, 4, 5, 6].map((at) => at * SECOND));
  expect(seen.filter((_, index) => index % 2 === 1)).toEqual(pictures);
});

test("a track far behind the other stays on its clock, and moves it once at most", () => {
  for (const apart of [0.9, 1.5, 8]) {
    const timeline = new Timeline(null);
    const pictures: number[] = [];
    const sounds: number[] = [];
    for (let index = 0; index < 100; index++) {
      sounds.push(...stamps(timeline, [audio(apart * SECOND + index * 3000)]));
      pictures.push(...stamps(timeline, [video(index * 3000)]));
    }
    const steps = pictures.slice(1).map((pts, index) => pts - (pictures[index] ?? 0));
    expect(new Set(steps)).toEqual(new Set([3000]));
    const between = sounds.slice(1).map((pts, index) => pts - (pictures[index + 1] ?? 0));
    expect(new Set(between)).toEqual(new Set([apart * SECOND]));
  }
});

test("a track that starts behind seconds of the other, as in long fragments, is on the same clock", () => {
  const timeline = new Timeline(null);
  const pictures = Array.from({ length: 100 }, (_, index) => video(1.5 * SECOND + index * 3600));
  expect(stamps(timeline, [...pictures, audio(0), audio(1920)]).slice(-2)).toEqual([0, 1920]);
  const restarted = [video(0), ...pictures.map(({ dts }) => video(dts)), audio(0), audio(1920)];
  const seen = stamps(timeline, restarted);
  expect(seen.slice(-2)).toEqual([seen[0] ?? -1, (seen[0] ?? -1) + 1920]);
});

describe("a publisher that starts again", () => {
  test("continues where the last picture ended, sound and picture by the same offset", () => {
    const timeline = new Timeline(null);
    stamps(timeline, [video(100 * SECOND), audio(100 * SECOND + 100)]);
    const [picture, sound, next] = stamps(timeline, [
      video(0, 6000),
      audio(500),
      video(3000, 3000),
    ]);
    const joint = 100 * SECOND + SECOND / 25;
    expect([picture, sound, next]).toEqual([joint + 6000, joint + 500, joint + 3000]);
  });

  test("a second and a third time too", () => {
    const timeline = new Timeline(null);
    let last = -1;
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 100; index++) {
        const [pts = 0] = stamps(timeline, [video(index * 3000)]);
        expect(pts).toBeGreaterThan(last);
        expect(pts - last).toBeLessThanOrEqual(SECOND / 25 + 1);
        last = pts;
      }
    }
  });

  test("every half second is followed each time, by sound and picture", () => {
    const timeline = new Timeline(null);
    const pictures: number[] = [];
    const sounds: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (let index = 0; index < 15; index++) {
        pictures.push(...stamps(timeline, [video(index * 3000)]));
        sounds.push(...stamps(timeline, [audio(index * 3000 + 10)]));
      }
    }
    expect(pictures).toEqual(pictures.toSorted((a, b) => a - b));
    expect(new Set(pictures).size).toBe(60);
    expect(sounds.every((pts, index) => Math.abs(pts - (pictures[index] ?? 0)) < 100)).toBe(true);
  });

  test("continues behind sound that went on alone", () => {
    const timeline = new Timeline(null);
    stamps(timeline, [video(3600), audio(0), audio(5 * SECOND)]);
    expect(stamps(timeline, [video(0), audio(0)])).toEqual([5 * SECOND + 1920, 5 * SECOND + 1920]);
  });

  test("with a clock far ahead does not take the output along", () => {
    const timeline = new Timeline(null);
    stamps(timeline, [video(0)]);
    expect(stamps(timeline, [video(5000 * SECOND), audio(5000 * SECOND + 10)])).toEqual([
      SECOND / 25,
      SECOND / 25 + 10,
    ]);
  });
});

describe("a stream taken up again", () => {
  test("keeps the input's clock if that ran on", () => {
    const timeline = new Timeline(ticks(50 * SECOND));
    expect(stamps(timeline, [video(52 * SECOND)])).toEqual([52 * SECOND]);
  });

  test("goes on behind what was sent if the input's clock began again", () => {
    const timeline = new Timeline(ticks(50 * SECOND));
    const [pts] = stamps(timeline, [video(3 * SECOND)]);
    expect(pts).toBe(50 * SECOND + SECOND / 25);
  });
});

/** A second of pictures at 25 fps and of AAC, whose last packet reaches past the last picture, on a clock of its own. */
function secondOf(round: number, { soundsAhead = 0, padding = 0 }): (VideoPacket | AudioPacket)[] {
  const PACKET = 1920;
  const begin = round * SECOND;
  const first = Math.ceil(begin / PACKET);
  const packets = Math.ceil((begin + SECOND) / PACKET) - first + padding;
  const sounds = Array.from({ length: packets }, (_, index) =>
    audio((first + index) * PACKET - begin),
  );
  const pictures = Array.from({ length: 25 }, (_, index) =>
    video(index * 3600 - 7200, index * 3600),
  );
  return [...sounds.slice(0, soundsAhead), ...pictures, ...sounds.slice(soundsAhead)];
}

describe("a clock that begins again with every segment", () => {
  const ROUNDS = 60;
  test.each([
    ["pictures come first", { soundsAhead: 0 }],
    ["all sound comes first", { soundsAhead: 50 }],
    ["pictures come first and the encoder pads the sound", { padding: 2 }],
    ["sound comes first and the encoder pads it", { soundsAhead: 1, padding: 2 }],
  ])("neither stretches the pictures nor leaves a hole in the sound if %s", (_, options) => {
    const timeline = new Timeline(null);
    const mapped = Array.from({ length: ROUNDS }, (_, round) => secondOf(round, options))
      .flat()
      .map((packet) => timeline.map(packet));
    const pictures = mapped.filter(({ kind }) => kind === "video").map(({ pts }) => Number(pts));
    const steps = pictures.slice(1).map((pts, index) => pts - (pictures[index] ?? 0));
    expect(steps.filter((step) => Math.abs(step - 3600) > 1920)).toEqual([]);
    const span = (pictures.at(-1) ?? 0) - (pictures[0] ?? 0);
    expect(Math.abs(span - (ROUNDS * 25 - 1) * 3600)).toBeLessThan(3600);
    const sounds = mapped.filter(({ kind }) => kind === "audio").map(({ pts }) => Number(pts));
    const holes = sounds.slice(1).map((pts, index) => pts - (sounds[index] ?? 0) - 1920);
    expect(Math.max(...holes)).toBeLessThanOrEqual(1920);
    expect(Math.abs((sounds.at(-1) ?? 0) - (pictures.at(-1) ?? 0))).toBeLessThan(3 * 3600);
  });
});

test("a new clock without reordered pictures begins after the last picture of one with them", () => {
  const reordered = [0, 3, 1, 2, 6, 4, 5].map((order, index) =>
    video(index * 3000, (order + 1) * 3000),
  );
  const plain = [0, 3000, 6000].map((pts) => video(pts));
  for (const sound of [[], [audio(0)]]) {
    const timeline = new Timeline(null);
    const before = stamps(timeline, reordered);
    stamps(timeline, sound);
    const after = stamps(timeline, plain);
    expect(after).toEqual([1, 2, 3].map((index) => Math.max(...before) + index * 3000));
    // Decode times go on rising where the reordered pictures come back.
    const again = reordered.map((packet) => timeline.map(packet));
    expect(Math.min(...again.map(({ dts }) => dts))).toBeGreaterThan(Math.max(...after));
  }
});
