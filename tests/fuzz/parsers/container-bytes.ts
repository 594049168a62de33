/** Fuzzes the demuxers with damaged clips: they never throw once the container is known, and chunking changes nothing. */
import fc from "fast-check";
import { ContainerReader } from "../../../src/engine/source/container-reader.ts";
import { WorkerError } from "../../../src/errors.ts";
import type { EncodedPacket } from "../../../src/media/encoded-packet.ts";
import { isClockTime } from "../../../src/media/time.ts";
import type { IncomingChunk } from "../../../src/trickle/client/segment-copy.ts";
import { defineTarget, type Found, type FuzzTarget } from "../fuzz.ts";
import { mutatedBytes } from "../mutated-bytes.ts";
import { type Container, clipsIn, FRAMES } from "./media-corpus.ts";

interface Segment {
  readonly bytes: Uint8Array;
  /** False for one that breaks off. */
  readonly complete: boolean;
}

interface Damaged {
  /** A whole clip comes first: an input that was fine must not end the stream. */
  readonly startsWell: boolean;
  readonly segments: readonly Segment[];
  /** The sizes of the chunks in which the bytes arrive, again and again. */
  readonly chunks: readonly number[];
}

const FOUND: Readonly<Record<Container, readonly Found[]>> = {
  mpegts: [
    {
      what: "behind damage, bytes that look like a packet swallowed the next one, depending on the chunks",
      test: [
        "unit/engine/source/ts/demux.test.ts",
        "garbage between packets costs nothing but itself, in pieces of %d bytes",
      ],
    },
    {
      what: "a container was recognized by 8 bytes if no more had come, and a picture counted as lost",
      test: [
        "unit/engine/source/container-reader.test.ts",
        "a stray sync byte in front of a segment is not taken for the rest of a packet",
      ],
    },
  ],
  mp4: [
    {
      what: "a damaged moov in a live stream ended it as a plain MP4",
      test: [
        "unit/engine/source/mp4/damage.test.ts",
        "a plain MP4 after live fragments costs its own segment and is reported",
      ],
    },
    {
      what: "a damaged sample that led into the data of a later fragment cost that fragment",
      test: [
        "unit/engine/source/mp4/damage.test.ts",
        "since they lie in the data of the next one cost nothing of that",
      ],
    },
  ],
  matroska: [
    {
      what: "a negative, endless or impossible sampling frequency was the rate of the sound",
      test: [
        "unit/engine/source/matroska/demux.test.ts",
        "a rate of %d Hz and %d channels that no codec has are taken for none",
      ],
    },
  ],
};

/** One target a container. */
export const containerBytes: readonly FuzzTarget[] = (["mpegts", "mp4", "matroska"] as const).map(
  (container) =>
    defineTarget<Damaged>({
      name: `${container}-bytes`,
      inputs: `damaged segments of ${container}, in chunks of any size`,
      found: FOUND[container],
      open: () => {
        const clips = clipsIn(container);
        return {
          inputs: inputsOf(clips),
          check: (damaged) => checkReading(damaged, clips[0] ?? new Uint8Array(0)),
        };
      },
    }),
);

const inputsOf = (clips: readonly Uint8Array[]): fc.Arbitrary<Damaged> => {
  const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 9000 }));
  const segment = fc.record({ bytes: mutatedBytes(clips), complete: fc.boolean() });
  return fc.record({
    startsWell: fc.boolean(),
    segments: fc.array(segment, { minLength: 1, maxLength: 3 }),
    chunks: fc.array(size, { minLength: 1, maxLength: 6 }),
  });
};

function checkReading({ startsWell, segments, chunks }: Damaged, bytes: Uint8Array): void {
  const clip = { bytes, complete: true };
  const all = startsWell ? [clip, ...segments] : segments;
  const whole = new Reading([Number.POSITIVE_INFINITY]);
  const pieces = new Reading(chunks);
  for (const segment of all) {
    whole.read(segment);
    pieces.read(segment);
  }
  if (!Bun.deepEquals(pieces.packets, whole.packets))
    throw new Error("what is read depends on the chunks");
  if (whole.isRefused && startsWell) throw new Error("an input that was fine ends the stream");
  if (whole.isRefused) return;
  whole.read(clip);
  const before = whole.packets.length;
  whole.read(clip);
  const pictures = whole.packets.slice(before).filter((line) => line.startsWith("video")).length;
  if (pictures !== FRAMES)
    throw new Error(`${pictures} of ${FRAMES} pictures of the second clean segment are read`);
}

/** What a reader gives of segments that arrive in chunks of certain sizes. */
class Reading {
  /** In one line each. */
  readonly packets: string[] = [];
  isRefused = false;
  readonly #reader = new ContainerReader();
  readonly #chunks: readonly number[];
  #seq = 0;

  constructor(chunks: readonly number[]) {
    this.#chunks = chunks;
  }

  /** Hands a segment over as the reader of a channel does. */
  read({ bytes, complete }: Segment): void {
    if (this.isRefused) return;
    const seq = this.#seq++;
    const common = { seq, complete, arrivedAt: 0 };
    try {
      let at = 0;
      for (let n = 0; at < bytes.length; n++) {
        const end = at + (this.#chunks[n % this.#chunks.length] ?? 1);
        this.#push({ ...common, data: bytes.slice(at, end), first: at === 0, last: false });
        at = end;
      }
      this.#push({ ...common, data: new Uint8Array(0), first: at === 0, last: true });
    } catch (error) {
      if (!(error instanceof WorkerError && error.kind === "unsupported_media")) throw error;
      this.packets.push(error.message);
      this.isRefused = true;
    }
  }

  #push(chunk: IncomingChunk): void {
    this.packets.push(...this.#reader.read(chunk).map(lineOf));
    this.#reader.takeTroubles();
  }
}

/** A packet in one line. Throws for one that no decoder may be given. */
function lineOf(packet: EncodedPacket): string {
  const { kind, codec, data, pts } = packet;
  const times = packet.kind === "video" ? [pts, packet.dts] : [pts, packet.duration];
  for (const time of times) {
    if (!Number.isSafeInteger(time) || !isClockTime(time))
      throw new Error(`a ${codec} packet with the time ${time}`);
  }
  if (packet.kind === "audio") {
    const { sampleRate, channels } = packet;
    if (
      !(
        sampleRate > 0 &&
        channels > 0 &&
        packet.duration >= 0 &&
        Number.isInteger(sampleRate) &&
        Number.isInteger(channels)
      )
    )
      throw new Error(
        `an ${codec} packet of ${channels} channels at ${sampleRate} Hz for ${packet.duration}`,
      );
    return [
      kind,
      codec,
      ...times,
      sampleRate,
      channels,
      Bun.hash(packet.config ?? ""),
      Bun.hash(data),
    ].join(" ");
  }
  const { keyFrame, hidden, afterLoss, orientation, pixelAspect } = packet;
  const shape = JSON.stringify([keyFrame, hidden, afterLoss, orientation, pixelAspect]);
  return [kind, codec, ...times, shape, Bun.hash(data)].join(" ");
}
