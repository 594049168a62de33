/** Turns the PES packets of one audio track of a transport stream into audio packets. */
import type { AudioPacket } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import { AAC_FRAME_SAMPLES, AdtsReader } from "./adts.ts";
import { readOpus } from "./opus-ts.ts";
import type { Pes } from "./pes-assembler.ts";
import type { TsTrack } from "./ts-tables.ts";

/** One audio frame before it has a time. */
type Frame = { samples: number } & Omit<AudioPacket, "kind" | "pts" | "duration" | "arrivedAt">;

/** Reads AAC in ADTS, and Opus. A frame may begin in one PES and end in the next. */
export class AudioLane {
  readonly #track: TsTrack & { kind: "audio" };
  readonly #adts = new AdtsReader();
  /** Where the last frame ends: the time of a PES without a timestamp. */
  #end: Ticks | null = null;

  constructor(track: TsTrack & { kind: "audio" }) {
    this.#track = track;
  }

  /** The frames that this PES completes. Frames before the first timestamp are dropped. */
  push(pes: Pes, arrivedAt: number): AudioPacket[] {
    const { frames, before } = this.#read(pes.data);
    const start = pes.stamp ? ticks(pes.stamp.pts - before) : this.#end;
    if (start === null) return [];
    const packets = spread(start, arrivedAt, frames);
    const last = packets.at(-1);
    if (last) this.#end = ticks(last.pts + last.duration);
    return packets;
  }

  /** Drops a frame that is under way. */
  drop(): void {
    this.#adts.drop();
  }

  /** The frames, and by how many ticks the first one begins before the timestamp of the PES. */
  #read(data: Uint8Array): { frames: Frame[]; before: number } {
    if (this.#track.codec === "aac") {
      const found = this.#adts.read(data);
      // The timestamp is that of the first frame to begin in the PES (ISO/IEC 13818-1 §2.4.3.7).
      const carried = found.find((frame) => frame.carried);
      const before = carried ? ticksOf(AAC_FRAME_SAMPLES, carried.sampleRate) : 0;
      const frames = found.map(({ data, sampleRate, channels }) => {
        return { codec: "aac" as const, samples: AAC_FRAME_SAMPLES, data, sampleRate, channels };
      });
      return { frames, before };
    }
    const format = { codec: "opus" as const, sampleRate: 48_000, channels: this.#track.channels };
    return { frames: readOpus(data).map((packet) => ({ ...packet, ...format })), before: 0 };
  }
}

/** Frames that share one PES follow each other without a gap. */
function spread(start: Ticks, arrivedAt: number, frames: readonly Frame[]): AudioPacket[] {
  let samples = 0;
  return frames.map(({ samples: own, data, codec, sampleRate, channels }) => {
    const at = (count: number): Ticks => ticks(start + ticksOf(count, sampleRate));
    const pts = at(samples);
    samples += own;
    const duration = ticks(at(samples) - pts);
    return { kind: "audio", codec, data, pts, duration, sampleRate, channels, arrivedAt };
  });
}

const ticksOf = (samples: number, sampleRate: number): number =>
  Math.round((samples * TICKS_PER_SECOND) / sampleRate);
