/** Transcodes audio that the output cannot carry; what it can carry passes untouched. */
import { type PlainError, reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import {
  type AudioCodec,
  type AudioFormat,
  type AudioPacket,
  type EncodedAudio,
  sameAudioFormat,
} from "../../media/encoded-packet.ts";
import type { Stage } from "../../streams/stage.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { AudioDecoder } from "./audio-decoder.ts";
import { AudioRun } from "./audio-run.ts";
import type { SampleFormat } from "./audio-samples.ts";
import type { Frame } from "./libav.ts";

const log = getLogger("audio");

export interface TranscodeOptions {
  /** The codec to encode to. */
  readonly codec: AudioCodec;
  /** True for packets of a format that the output carries as it is. */
  readonly copies: (format: AudioFormat) => boolean;
  readonly observer: Pick<PipelineObserver, "trouble">;
  /** Where native calls are recorded. */
  readonly calls: NativeCalls;
}

/** A packet takes less than a millisecond; after this long its codec hangs. */
const TRANSCODE_MS = 5000;

/** Packets in a row that cannot be decoded, about a second of audio, after which that is reported. */
const MAX_FAILURES = 50;

/**
 * Copies packets whose format the output carries, and decodes and encodes all others: to 48 kHz, mono if
 * the first transcoded audio is mono, else stereo. Timestamps follow the input's: audio stays within 10 ms
 * of its own time, gaps of 100 ms and more stay gaps, and a clock that jumps is followed. Packets that
 * cannot be decoded are dropped, and reported if there are many in a row. Throws `unsupported_media` only if `codec` cannot be encoded.
 */
export function transcodeAudio(options: TranscodeOptions): Stage<AudioPacket, EncodedAudio> {
  let decoder: AudioDecoder | null = null;
  let run: AudioRun | null = null;
  /** The output's headers state it once, so it stays. */
  let channels: SampleFormat["channels"] | null = null;
  const { codec, observer, calls } = options;
  const copies = rememberLast(options.copies);
  let failures = 0;

  const endRun = (): EncodedAudio[] => {
    const ended = run;
    run = null;
    try {
      return ended?.finish() ?? [];
    } catch (error) {
      log.debug("end of audio lost", { error: reason(error) });
      return [];
    } finally {
      ended?.[Symbol.dispose]();
    }
  };
  const dispose = (): void => {
    run?.[Symbol.dispose]();
    decoder?.[Symbol.dispose]();
    run = null;
    decoder = null;
  };
  /** Null if the packet cannot be decoded. */
  const decode = (packet: AudioPacket): Frame | null => {
    try {
      if (decoder?.takes(packet)) return decoder.decode(packet);
      decoder?.[Symbol.dispose]();
      decoder = null;
      decoder = new AudioDecoder(packet);
      return decoder.decode(packet);
    } catch (error) {
      log.debug("audio cannot be decoded", { codec: packet.codec, error: reason(error) });
      return null;
    }
  };
  const countFailure = ({ codec, pts }: AudioPacket): void => {
    log.debug("audio packet dropped", { pts });
    failures++;
    if (failures === MAX_FAILURES) observer.trouble("audio", undecodable(codec));
  };
  const countSuccess = (): void => {
    if (failures >= MAX_FAILURES) observer.trouble("audio", null);
    failures = 0;
  };
  return {
    transform(packet, controller) {
      const send = (made: readonly EncodedAudio[]): void => {
        for (const each of made) controller.enqueue(each);
      };
      if (isEncoded(packet) && copies(packet)) {
        send(endRun());
        return controller.enqueue(packet);
      }
      using _call = calls.begin("decode", TRANSCODE_MS);
      if (run && !run.reaches(packet.pts)) {
        send(endRun());
        decoder?.reset();
      }
      const frame = decode(packet);
      if (!frame) return countFailure(packet);
      countSuccess();
      channels ??= frame.channelLayout.nbChannels === 1 ? 1 : 2;
      run ??= new AudioRun(codec, channels, packet.pts);
      try {
        send(run.add(frame, packet));
      } catch (error) {
        log.debug("audio cannot be encoded", { pts: packet.pts, error: reason(error) });
        run[Symbol.dispose]();
        run = null;
      }
    },
    flush: (controller) => {
      using _call = calls.begin("encode", TRANSCODE_MS);
      for (const packet of endRun()) controller.enqueue(packet);
    },
    dispose,
  };
}

const undecodable = (codec: string): PlainError => ({
  kind: "unsupported_media",
  message: `the input's audio (${codec}) cannot be decoded; the stream continues without it: send AAC or Opus`,
});

const isEncoded = (packet: AudioPacket): packet is EncodedAudio =>
  packet.codec === "aac" || packet.codec === "opus";

/** Asks `decide` only when the format changes. */
function rememberLast(decide: (format: AudioFormat) => boolean): (format: AudioFormat) => boolean {
  let last: { readonly format: AudioFormat; readonly answer: boolean } | null = null;
  return (format) => {
    if (!last || !sameAudioFormat(last.format, format)) last = { format, answer: decide(format) };
    return last.answer;
  };
}
