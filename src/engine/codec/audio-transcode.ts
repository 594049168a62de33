/** Transcodes audio that the output cannot carry; what it can carry passes untouched. */
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import {
  type AudioCodec,
  type AudioFormat,
  type AudioPacket,
  type EncodedAudio,
  sameAudioFormat,
} from "../../media/encoded-packet.ts";
import type { Stage } from "../../streams/stage.ts";
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
}

/**
 * Copies packets whose format the output carries, and decodes and encodes all others: to 48 kHz, mono if
 * the first transcoded audio is mono, else stereo. Timestamps follow the input's: audio stays within 10 ms
 * of its own time, gaps of 100 ms and more stay gaps, and a clock that jumps is followed. Packets that
 * cannot be decoded are dropped and logged. Throws `unsupported_media` only if `codec` cannot be encoded.
 */
export function transcodeAudio(options: TranscodeOptions): Stage<AudioPacket, EncodedAudio> {
  let decoder: AudioDecoder | null = null;
  let run: AudioRun | null = null;
  /** The output's headers state it once, so it stays. */
  let channels: SampleFormat["channels"] | null = null;
  const copies = rememberLast(options.copies);

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
  return {
    transform(packet, controller) {
      const send = (made: readonly EncodedAudio[]): void => {
        for (const each of made) controller.enqueue(each);
      };
      if (isEncoded(packet) && copies(packet)) {
        send(endRun());
        return controller.enqueue(packet);
      }
      if (run && !run.reaches(packet.pts)) {
        send(endRun());
        decoder?.reset();
      }
      const frame = decode(packet);
      if (!frame) return log.debug("audio packet dropped", { pts: packet.pts });
      channels ??= frame.channelLayout.nbChannels === 1 ? 1 : 2;
      run ??= new AudioRun(options.codec, channels, packet.pts);
      try {
        send(run.add(frame, packet));
      } catch (error) {
        log.debug("audio cannot be encoded", { pts: packet.pts, error: reason(error) });
        run[Symbol.dispose]();
        run = null;
      }
    },
    flush: (controller) => {
      for (const packet of endRun()) controller.enqueue(packet);
    },
    dispose,
  };
}

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
