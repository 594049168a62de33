/** What becomes of the input's sound: copied, made into another codec, or left out (contract.md, Stream parameters). */
import type { AudioCodec } from "../media/encoded-packet.ts";
import { pushable } from "../streams/push-readable.ts";
import type { StageGroup } from "../streams/stage.ts";
import { transcodeAudio } from "./codec/audio-transcode.ts";
import type { AudioMode, Container } from "./protocol/work.ts";
import type { SoundTrack } from "./segment/interleave.ts";
import type { DemuxedInput } from "./source/demux.ts";

/** The sound that goes along with the pictures. */
export interface Sound extends SoundTrack {
  /** The codec it will have, if that is known before the first packet. */
  promised(): AudioCodec | null;
}

export interface SoundOptions {
  readonly audio: AudioMode;
  readonly container: Container;
  readonly stages: StageGroup;
}

/** The input's sound as the output wants it; it is read from here or not at all. */
export function soundOf(input: DemuxedInput, { audio, container, stages }: SoundOptions): Sound {
  const mode = audio === "auto" ? copiedOr(container) : audio;
  if (mode === "none") {
    void input.audio.cancel();
    return silence();
  }
  const expected = (): boolean => input.audioCodec() !== null;
  const { dueAt } = input;
  if (mode === "copy") return { packets: input.audio, expected, dueAt, promised: input.audioCodec };
  return {
    packets: input.audio.pipeThrough(stages.add(transcodeAudio({ codec: mode }))),
    expected,
    dueAt,
    promised: () => (expected() ? mode : null),
  };
}

/** None at all. */
export function silence(): Sound {
  const none = pushable<never>();
  none.end();
  const dueAt = () => Number.NEGATIVE_INFINITY;
  return { packets: none.readable, expected: () => false, dueAt, promised: () => null };
}

/** Readers of fMP4 take both codecs, those of MPEG-TS Opus alone (protocol.md 6.2). */
const copiedOr = (container: Container): "copy" | "opus" =>
  container === "mpegts" ? "opus" : "copy";
