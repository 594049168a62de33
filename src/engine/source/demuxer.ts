/** What a demuxer of one container does: bytes in, packets out, and what it cannot read. */
import type { PlainError } from "../../errors.ts";
import type { AudioFormat, EncodedPacket, InputAudioCodec } from "../../media/encoded-packet.ts";
import type { StreamPart } from "../pipeline-observer.ts";

/** Demuxes one container, whose bytes arrive in pieces and segments. */
export interface Demuxer {
  /** The audio track, once one is known to exist. */
  readonly announcedAudio: AnnouncedAudio | null;
  /** The packets that these bytes complete; bytes may be cut anywhere. */
  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[];
  /** The packets that the end of a segment completes. */
  endSegment(arrivedAt: number): EncodedPacket[];
  /** Whether the last segment was cut off, seeing that the next one begins with these bytes. Absent: none ever counts as. */
  wasCutBefore?(bytes: Uint8Array): boolean;
  /** The segment broke off. */
  breakSegment(): void;
  /** What began or ceased to be unreadable since the last call. */
  takeTroubles?(): readonly TrackTrouble[];
}

/** What a container's tables say of an audio track. */
export interface AnnouncedAudio {
  readonly codec: InputAudioCodec;
  /** Null where only the packets tell. */
  readonly format: AudioFormat | null;
}

/** A part of the input that cannot be read, reported when it is first seen; null when it can be read again. */
export interface TrackTrouble {
  readonly part: Extract<StreamPart, "input" | "audio">;
  readonly error: PlainError | null;
}
