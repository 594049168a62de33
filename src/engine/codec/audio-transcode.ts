/** Transcodes audio that the output cannot carry; what it can carry passes untouched. */
import { type PlainError, reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { AudioPacket, EncodedAudio } from "../../media/encoded-packet.ts";
import type { Stage } from "../../streams/stage.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { AudioDecoder } from "./audio-decoder.ts";
import { AudioRun } from "./audio-run.ts";
import { SAMPLE_RATE } from "./audio-samples.ts";
import type { AudioTarget, OutputAudioFormat } from "./audio-target.ts";
import type { Frame } from "./libav.ts";

const log = getLogger("audio");

export interface TranscodeOptions {
  /** The format of the output; settled by the first packet, if it is still open then. */
  readonly target: AudioTarget;
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
 * the first transcoded audio is mono, else stereo. What cannot become the format that the output began with is
 * left out, which is reported. Timestamps follow the input's: audio stays within 10 ms
 * of its own time, gaps of 100 ms and more stay gaps, and a clock that jumps is followed. Packets that
 * cannot be decoded are dropped, and reported if there are many in a row. Throws `unsupported_media` only if `codec` cannot be encoded.
 */
export function transcodeAudio(options: TranscodeOptions): Stage<AudioPacket, EncodedAudio> {
  let decoder: AudioDecoder | null = null;
  let run: AudioRun | null = null;
  const { target, observer, calls } = options;
  let failures = 0;
  let leavesOut = false;

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
  const leaveOut = ({ codec }: AudioPacket): void => {
    if (!leavesOut) observer.trouble("audio", unlikeBefore(codec, target.format ?? null));
    leavesOut = true;
  };
  const takeAgain = (): void => {
    if (leavesOut) observer.trouble("audio", null);
    leavesOut = false;
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
      if (target.copies(packet)) {
        takeAgain();
        target.settle(packet);
        send(endRun());
        return controller.enqueue(packet);
      }
      if (!target.encoding(2)) {
        send(endRun());
        return leaveOut(packet);
      }
      takeAgain();
      using _call = calls.begin("decode", TRANSCODE_MS);
      if (run && !run.reaches(packet.pts)) {
        send(endRun());
        decoder?.reset();
      }
      const frame = decode(packet);
      if (!frame) return countFailure(packet);
      countSuccess();
      if (!run) {
        const encoding = target.encoding(frame.channelLayout.nbChannels === 1 ? 1 : 2);
        if (!encoding) return;
        target.settle({ ...encoding, sampleRate: SAMPLE_RATE });
        run = new AudioRun(encoding.codec, encoding.channels, packet.pts);
      }
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

const unlikeBefore = (codec: string, began: OutputAudioFormat | null): PlainError => ({
  kind: "unsupported_media",
  message: `the input's audio (${codec}) is left out: the output began ${began ? describe(began) : "without audio"}, and its readers take the tracks only once; restart the stream to have it`,
});

const describe = ({ codec, sampleRate, channels }: OutputAudioFormat): string =>
  `with ${codec} of ${sampleRate} Hz and ${channels} ${channels === 1 ? "channel" : "channels"}`;
