import { describe, expect, test } from "bun:test";
import { interleave } from "../../../../src/engine/segment/interleave.ts";
import type { EncodedAudio, EncodedVideo } from "../../../../src/media/encoded-packet.ts";
import { ticks } from "../../../../src/media/time.ts";
import { pushable } from "../../../../src/streams/push-readable.ts";

const video = (pts: number, arrivedAt = performance.now()): EncodedVideo => ({
  kind: "video",
  codec: "h264",
  data: new Uint8Array(0),
  pts: ticks(pts),
  dts: ticks(pts),
  keyFrame: pts === 0,
  arrivedAt,
  format: { width: 2, height: 2, parameterSets: new Uint8Array(0) },
});

const audio = (pts: number, arrivedAt = performance.now()): EncodedAudio => ({
  kind: "audio",
  codec: "aac",
  data: new Uint8Array(0),
  pts: ticks(pts),
  duration: ticks(1920),
  sampleRate: 48_000,
  channels: 2,
  arrivedAt,
});

function sides(expectAudio = true, dueAt = (_: number) => Number.NEGATIVE_INFINITY) {
  const picture = pushable<EncodedVideo>();
  const sound = pushable<EncodedAudio>();
  const track = { packets: sound.readable, expected: () => expectAudio, dueAt };
  const reader = interleave(picture.readable, track).getReader();
  return { picture, sound, reader };
}

type Reader = ReturnType<typeof sides>["reader"];

async function next(reader: Reader): Promise<string> {
  const { done, value } = await reader.read();
  return done ? "end" : `${value.kind} ${value.pts}`;
}

async function take(reader: Reader, count: number): Promise<string[]> {
  const taken: string[] = [];
  for (let index = 0; index < count; index++) taken.push(await next(reader));
  return taken;
}

describe("at the start", () => {
  test("the first audio packet precedes the first picture, whichever arrived first", async () => {
    const { picture, sound, reader } = sides();
    picture.push(video(0));
    const waiting = next(reader);
    sound.push(audio(0));
    expect([await waiting, ...(await take(reader, 1))]).toEqual(["audio 0", "video 0"]);
  });

  test("audio waits for the first picture without a limit", async () => {
    const { picture, sound, reader } = sides();
    sound.push(audio(0, performance.now() - 5000));
    const waiting = next(reader);
    await new Promise((resolve) => setImmediate(resolve));
    picture.push(video(0));
    expect([await waiting, await next(reader)]).toEqual(["audio 0", "video 0"]);
  });

  test("a picture does not wait for audio that is not expected or has ended", async () => {
    const mute = sides(false);
    mute.picture.push(video(0));
    expect(await next(mute.reader)).toBe("video 0");
    const ended = sides();
    ended.sound.end();
    ended.picture.push(video(0));
    expect(await next(ended.reader)).toBe("video 0");
  });

  test("a picture waits at most 500 ms for expected audio", async () => {
    const { picture, reader } = sides();
    const arrived = performance.now();
    picture.push(video(0, arrived));
    expect(await next(reader)).toBe("video 0");
    const waited = performance.now() - arrived;
    expect(waited).toBeGreaterThanOrEqual(499);
    expect(waited).toBeLessThan(1500);
  });
});

describe("while both run", () => {
  test("pictures pass at once, and audio up to the last picture follows it", async () => {
    const { picture, sound, reader } = sides();
    for (const pts of [0, 1920, 3840, 5760]) sound.push(audio(pts));
    picture.push(video(0));
    expect(await take(reader, 2)).toEqual(["audio 0", "video 0"]);
    picture.push(video(3000));
    expect(await take(reader, 2)).toEqual(["video 3000", "audio 1920"]);
    picture.push(video(6000));
    expect(await take(reader, 3)).toEqual(["video 6000", "audio 3840", "audio 5760"]);
    picture.push(video(9000));
    expect(await next(reader)).toBe("video 9000");
  });

  test("audio ahead of the video leaves 500 ms after it arrived", async () => {
    const { picture, sound, reader } = sides();
    sound.push(audio(0));
    picture.push(video(0));
    await take(reader, 2);
    const arrived = performance.now();
    sound.push(audio(90_000, arrived));
    expect(await next(reader)).toBe("audio 90000");
    expect(performance.now() - arrived).toBeGreaterThanOrEqual(499);
  });

  test("audio of a burst waits from the time it is due, not from its arrival", async () => {
    const come = performance.now() - 5000;
    const due = performance.now();
    const { picture, sound, reader } = sides(true, (pts) => due + pts / 90);
    for (const pts of [0, 1920, 90_000]) sound.push(audio(pts, come));
    picture.push(video(0, come));
    expect(await take(reader, 2)).toEqual(["audio 0", "video 0"]);
    const waiting = take(reader, 2);
    picture.push(video(3000, come));
    expect(await waiting).toEqual(["video 3000", "audio 1920"]);
    expect(await next(reader)).toBe("audio 90000");
    expect(performance.now()).toBeGreaterThanOrEqual(due + 1499);
  });

  test("audio that has already waited long enough leaves at once", async () => {
    const { picture, sound, reader } = sides();
    sound.push(audio(0));
    picture.push(video(0));
    await take(reader, 2);
    sound.push(audio(90_000, performance.now() - 600));
    expect(await next(reader)).toBe("audio 90000");
  });

  test("many waits for a silent side leave nothing behind", async () => {
    const { picture, sound, reader } = sides();
    sound.push(audio(0));
    picture.push(video(0));
    await take(reader, 2);
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    for (let index = 1; index <= 20_000; index++) {
      const read = next(reader);
      picture.push(video(index));
      await read;
    }
    Bun.gc(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(3_000_000);
  });
});

describe("at the end", () => {
  test("waiting audio is delivered after the last picture", async () => {
    const { picture, sound, reader } = sides();
    for (const pts of [0, 1920, 3840]) sound.push(audio(pts));
    picture.push(video(0));
    picture.end();
    sound.end();
    expect(await take(reader, 5)).toEqual([
      "audio 0",
      "video 0",
      "audio 1920",
      "audio 3840",
      "end",
    ]);
  });

  test("pictures continue when the audio has ended", async () => {
    const { picture, sound, reader } = sides();
    sound.end();
    picture.push(video(0));
    expect(await next(reader)).toBe("video 0");
    picture.push(video(3000));
    picture.end();
    expect(await take(reader, 2)).toEqual(["video 3000", "end"]);
  });

  test("audio without any picture is dropped", async () => {
    const { picture, sound, reader } = sides();
    sound.push(audio(0));
    picture.end();
    expect(await next(reader)).toBe("end");
    expect(sound.push(audio(1920))).toBe(false);
  });

  test("a failure of either side fails the output", async () => {
    for (const side of ["picture", "sound"] as const) {
      const both = sides();
      both[side].fail(new Error(side));
      expect(await both.reader.read().catch((error: unknown) => error)).toEqual(new Error(side));
    }
  });

  test("a reader that cancels ends both sides, also while it waits", async () => {
    for (const waiting of [false, true]) {
      const { picture, sound, reader } = sides();
      const reads = waiting ? [next(reader)] : [];
      await reader.cancel("gone");
      expect(await Promise.all(reads)).toEqual(waiting ? ["end"] : []);
      expect([picture.push(video(0)), sound.push(audio(0))]).toEqual([false, false]);
    }
  });
});
