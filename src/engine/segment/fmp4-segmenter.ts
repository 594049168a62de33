/** Segments a stream as fMP4: every segment decodes alone, and every frame leaves as soon as it is encoded. */

import { lengthPrefixed, splitNals } from "../../media/annex-b.ts";
import { concatBytes } from "../../media/bytes.ts";
import {
  type AudioFormat,
  type EncodedAudio,
  type EncodedVideo,
  type OutputPacket,
  sameAudioFormat,
} from "../../media/encoded-packet.ts";
import type { Fragment } from "../../media/fragment.ts";
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";
import type { Stage } from "../../streams/stage.ts";
import { type FragmentSample, fragment } from "./fmp4-fragment.ts";
import { type Fmp4Init, initSegment } from "./fmp4-init.ts";

/** Audio that has been collected this long without a video frame gets a fragment of its own. */
const MAX_AUDIO_TICKS = TICKS_PER_SECOND / 5;

/** Packets that wait for a segment with a track for them: ten seconds of 20 ms; beyond, the oldest are dropped. */
const MAX_AUDIO_WAITING = 500;

/** Duration of the very first frame, before the distance to a second one is known. */
const FIRST_DURATION = TICKS_PER_SECOND / 30;

/** The longest duration of a frame: one after a pause does not last as long as the pause. */
const MAX_DURATION = TICKS_PER_SECOND;

/**
 * Frame durations that the decoding time may advance from one frame to the next. Browsers take more than
 * two for a break and show nothing until the next key frame (Media Source Extensions, coded frame processing).
 */
const MAX_STEP = 1.5;

/**
 * A segment begins at every key frame: `ftyp`, `moov`, then fragments; tfdt rises over the whole
 * stream (contract.md, Output). A frame's duration is that of the frame before it, since the next one
 * has not been made yet. Where frames are missing, decoding times fall behind presentation times, so that no
 * reader sees a break, and catch up by a second and a half a frame. Audio that is promised, or comes before the
 * first picture, has its track in every `moov`; other audio that appears is in the `moov` of the next segment.
 */
export function segmentFmp4({ promisedAudio }: Fmp4Options): Stage<OutputPacket, Fragment> {
  const muxer = new Fmp4Muxer(promisedAudio);
  return {
    transform(packet, controller) {
      for (const made of packet.kind === "video" ? muxer.video(packet) : muxer.audio(packet)) {
        controller.enqueue(made);
      }
    },
    flush(controller) {
      for (const made of muxer.flushAudio()) controller.enqueue(made);
    },
  };
}

export interface Fmp4Options {
  /** Asked as the first segment begins: the format of audio that is expected although none has come yet. */
  readonly promisedAudio: () => AudioFormat | null;
}

/** Audio without a gap. */
interface AudioRun {
  readonly pts: Ticks;
  readonly samples: FragmentSample[];
}

class Fmp4Muxer {
  readonly #promisedAudio: Fmp4Options["promisedAudio"];
  #init: { made: Fmp4Init; video: EncodedVideo["format"]; audio: AudioFormat | null } | null = null;
  #sequence = 0;
  #firstVideo: Ticks | null = null;
  #lastVideo: { readonly pts: Ticks; readonly dts: number; readonly duration: number } | null =
    null;
  #audioFormat: AudioFormat | null = null;
  #audio: EncodedAudio[] = [];
  #nextAudioSample: number | null = null;

  constructor(promisedAudio: Fmp4Options["promisedAudio"]) {
    this.#promisedAudio = promisedAudio;
  }

  *video(packet: EncodedVideo): Generator<Fragment> {
    yield* this.flushAudio();
    if (packet.keyFrame) this.#begin(packet);
    if (!this.#init) return;
    const { made } = this.#init;
    const last = this.#lastVideo;
    const interval = last === null ? FIRST_DURATION : packet.pts - last.pts;
    const reach = last === null ? packet.pts : last.dts + Math.floor(last.duration * MAX_STEP);
    const dts = Math.min(packet.pts, reach);
    // The longer a frame is said to last, the further the next one's decoding time may advance.
    const duration = Math.min(Math.max(interval, packet.pts - dts), MAX_DURATION);
    this.#lastVideo = { pts: packet.pts, dts, duration };
    const data = lengthPrefixed(splitNals(packet.data));
    const bytes = this.#fragment(made, made.videoTrack, [
      { data, dts, pts: packet.pts, duration, sync: packet.keyFrame },
    ]);
    yield {
      data: packet.keyFrame ? concatBytes([made.bytes, bytes]) : bytes,
      first: packet.keyFrame,
      pts: packet.pts,
      arrivedAt: packet.arrivedAt,
      encodedAt: packet.encodedAt,
      width: packet.format.width,
      height: packet.format.height,
    };
  }

  *audio(packet: EncodedAudio): Generator<Fragment> {
    const format = this.#audioFormat;
    if (!format || !sameAudioFormat(format, packet)) {
      yield* this.flushAudio();
      this.#audio = []; // no segment has a track for it, nor will one
      this.#audioFormat = formatOf(packet);
      this.#nextAudioSample = null;
    }
    this.#audio.push(packet);
    if (this.#audio.length > MAX_AUDIO_WAITING) this.#audio.shift();
    const first = this.#audio[0] ?? packet;
    if (packet.pts - first.pts >= MAX_AUDIO_TICKS) yield* this.flushAudio();
  }

  /** The collected audio, if the current segment has a track for it; otherwise it waits for the next segment. */
  *flushAudio(): Generator<Fragment> {
    const track = this.#init?.made.audioTrack ?? null;
    const [first] = this.#audio;
    if (!this.#init || track === null || !first || !this.#isTrackOf(first)) return;
    const { made, video } = this.#init;
    for (const { pts, samples } of this.#takeRuns()) {
      const data = this.#fragment(made, track, samples);
      yield { data, first: false, pts, arrivedAt: null, width: video.width, height: video.height };
    }
  }

  #begin(packet: EncodedVideo): void {
    if (!this.#init) this.#audioFormat ??= this.#promisedAudio();
    const audio = this.#audioFormat;
    const unchanged = this.#init?.video === packet.format && this.#init.audio === audio;
    if (!unchanged) {
      this.#init = { made: initSegment(packet.format, audio), video: packet.format, audio };
      this.#firstVideo ??= packet.pts;
    }
  }

  #isTrackOf(packet: EncodedAudio): boolean {
    const audio = this.#init?.audio;
    return audio != null && sameAudioFormat(audio, packet);
  }

  /**
   * The collected audio, split at gaps, because a fragment states the time of its first sample only.
   * Publishers round timestamps, some to milliseconds, so up to half a packet is not a gap. Dropped are
   * packets from before the first picture, which have nothing to be in step with, and packets whose
   * timestamps go back behind what is written.
   */
  #takeRuns(): AudioRun[] {
    const runs: AudioRun[] = [];
    for (const packet of this.#audio.splice(0)) {
      if (packet.pts + packet.duration <= (this.#firstVideo ?? 0) || packet.pts < 0) continue;
      const samplesIn = (time: Ticks): number =>
        Math.round((time * packet.sampleRate) / TICKS_PER_SECOND);
      const duration = samplesIn(packet.duration);
      const stamped = samplesIn(packet.pts);
      const off = stamped - (this.#nextAudioSample ?? Number.NEGATIVE_INFINITY);
      if (off < -duration / 2) continue;
      const dts = off <= duration / 2 ? stamped - off : stamped;
      const sample = { data: packet.data, dts, pts: dts, duration, sync: true };
      const run = runs.at(-1);
      if (run && dts === this.#nextAudioSample) run.samples.push(sample);
      else runs.push({ pts: packet.pts, samples: [sample] });
      this.#nextAudioSample = dts + duration;
    }
    return runs;
  }

  #fragment(init: Fmp4Init, track: number, samples: FragmentSample[]): Uint8Array {
    init.file.nextMoofNumber = this.#sequence++;
    return fragment(init.file, track, samples);
  }
}

const formatOf = ({ codec, sampleRate, channels, config }: EncodedAudio): AudioFormat => ({
  codec,
  sampleRate,
  channels,
  ...(config && { config }),
});
