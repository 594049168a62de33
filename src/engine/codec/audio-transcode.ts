/** The sound's codec becomes the one that the output's readers know. */
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { AudioCodec, AudioPacket } from "../../media/encoded-packet.ts";
import type { Stage } from "../../streams/stage.ts";
import { AudioDecoder } from "./audio-decoder.ts";
import { AudioRun } from "./audio-run.ts";
import type { SampleFormat } from "./audio-samples.ts";
import type { Frame } from "./libav.ts";

const log = getLogger("audio");

/**
 * Packets of `codec` pass untouched, others are decoded and encoded: 48 kHz, mono if the first sound is, else
 * stereo. Stamps follow the input's: sound stays within 10 ms of its own, gaps of 100 ms and more stay gaps, a
 * clock that jumps is followed. Packets that cannot be decoded are left out and logged. Fails with
 * `unsupported_media` only where `codec` cannot be encoded at all.
 */
export function transcodeAudio(options: {
  readonly codec: AudioCodec;
}): Stage<AudioPacket, AudioPacket> {
  const { codec } = options;
  let decoder: AudioDecoder | null = null;
  let run: AudioRun | null = null;
  /** Said once in the output's headers, so it stays. */
  let channels: SampleFormat["channels"] | null = null;

  const endRun = (): AudioPacket[] => {
    const ended = run;
    run = null;
    try {
      return ended?.finish() ?? [];
    } catch (error) {
      log.debug("end of sound lost", { error: reason(error) });
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
      log.debug("sound cannot be decoded", { codec: packet.codec, error: reason(error) });
      return null;
    }
  };
  return {
    transform(packet, controller) {
      const send = (made: readonly AudioPacket[]): void => {
        for (const each of made) controller.enqueue(each);
      };
      if (packet.codec === codec) {
        send(endRun());
        return controller.enqueue(packet);
      }
      if (run && !run.reaches(packet.pts)) {
        send(endRun());
        decoder?.reset();
      }
      const frame = decode(packet);
      if (!frame) return log.debug("sound left out", { pts: packet.pts });
      channels ??= frame.channelLayout.nbChannels === 1 ? 1 : 2;
      run ??= new AudioRun(codec, channels, packet.pts);
      try {
        send(run.add(frame, packet));
      } catch (error) {
        log.debug("sound cannot be encoded", { pts: packet.pts, error: reason(error) });
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
