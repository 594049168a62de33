/** Fuzzes the segmenters: whatever packets they are given, our demuxers read back what they write. */
import fc from "fast-check";
import { ContainerReader } from "../../../src/engine/source/container-reader.ts";
import type { EncodedPacket, OutputPacket } from "../../../src/media/encoded-packet.ts";
import { ticks } from "../../../src/media/time.ts";
import { aac, segment, video } from "../../support/mp4-segments.ts";
import { bytesOf, segmentTs } from "../../support/ts-segmenter-run.ts";
import { defineTarget } from "../fuzz.ts";

/** A picture or a sound, `after` ticks behind the last of its kind. */
interface Made {
  readonly kind: "video" | "audio";
  readonly after: number;
  readonly keyFrame: boolean;
  readonly payload: Uint8Array;
}

export const segmentOutputs = defineTarget<readonly Made[]>({
  name: "segment-outputs",
  inputs: "pictures and sounds of any size and distance, segmented and read again",
  found: [],
  open: () => ({
    inputs: fc.array(
      fc.record({
        kind: fc.constantFrom("video", "audio"),
        after: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 900_000 })),
        keyFrame: fc.boolean(),
        payload: fc.uint8Array({ minLength: 1, maxLength: 400 }),
      }),
      { minLength: 1, maxLength: 20 },
    ),
    check: async (made) => {
      const packets = packetsOf(made);
      const fragments = await segment(packets);
      compare(
        "fragmented MP4",
        packets,
        fragments.map(({ data }) => data),
      );
      const ts = await segmentTs(packets);
      compare("MPEG-TS", packets, [bytesOf(ts.fragments)]);
    },
  }),
});

function packetsOf(made: readonly Made[]): OutputPacket[] {
  const next = { video: 0, audio: 0 };
  let isFirst = true;
  return made.flatMap(({ kind, after, keyFrame, payload }, index): OutputPacket[] => {
    const time = ticks(next[kind]);
    next[kind] += after;
    if (kind === "audio") return [{ ...aac(index), data: payload, pts: time }];
    const key = keyFrame || isFirst;
    isFirst = false;
    const frame = video(index, key);
    return [
      {
        ...frame,
        data: Uint8Array.from([...frame.data, ...payload.map((byte) => byte | 0x80)]),
        pts: time,
        dts: time,
      },
    ];
  });
}

/** Every picture must come back, with the time from one to the next. */
function compare(
  container: string,
  packets: readonly OutputPacket[],
  parts: readonly Uint8Array[],
): void {
  const reader = new ContainerReader();
  const found: EncodedPacket[] = [];
  const last = parts.length - 1;
  for (const [at, data] of parts.entries())
    found.push(
      ...reader.read({
        seq: 0,
        data,
        first: at === 0,
        last: at === last,
        complete: true,
        arrivedAt: 0,
      }),
    );
  const pictures = timesOf(packets);
  const back = timesOf(found);
  if (!Bun.deepEquals(back, pictures))
    throw new Error(`${container}: pictures differ`, { cause: { pictures, back } });
}

function timesOf(packets: readonly (EncodedPacket | OutputPacket)[]): number[] {
  const times = packets.filter(({ kind }) => kind === "video").map(({ pts }) => Number(pts));
  return times.map((time) => time - (times[0] ?? 0));
}
