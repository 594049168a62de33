/** Segments a stream as MPEG-TS with one continuous muxer for the whole stream (protocol.md 6.2). */

import type { PlainError } from "../../errors.ts";
import { concatBytes } from "../../media/bytes.ts";
import type { EncodedAudio, EncodedVideo, OutputPacket } from "../../media/encoded-packet.ts";
import type { Fragment } from "../../media/fragment.ts";
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";
import type { Stage } from "../../streams/stage.ts";
import type { TsContinuity, TsOutputAudio } from "../protocol/work.ts";
import { audioUnit, h264Unit } from "./ts-access-units.ts";
import { TsPid } from "./ts-packets.ts";
import { pes } from "./ts-pes.ts";
import { AUDIO_PID, PAT_PID, PMT_PID, patSection, pmtSection, VIDEO_PID } from "./ts-program.ts";

const VIDEO_STREAM = 0xe0;
const AUDIO_STREAM = 0xc0;
const PRIVATE_STREAM = 0xbd;

/** Readers expect the program clock every 100 ms (ISO/IEC 13818-1 §2.7.2). */
const CLOCK_TICKS = (TICKS_PER_SECOND * 9) / 100;
/** The clock runs this far behind the timestamps, since audio may leave so much later than its picture. */
const CLOCK_DELAY = TICKS_PER_SECOND / 2;
/** After a longer pause the clock jumps. */
const MAX_CLOCK_GAP = 2 * TICKS_PER_SECOND;
/** Packets that wait for the first segment: ten seconds of 20 ms; beyond, the oldest are dropped. */
const MAX_AUDIO_WAITING = 500;

export interface TsSegmenterOptions {
  /** Asked as the first segment begins: the audio that is expected although none has come yet. */
  readonly promisedAudio: () => TsOutputAudio | null;
  /** Audio is left out for the rest of the stream. Called once. */
  readonly onTrouble: (error: PlainError) => void;
  /** Where another muxer stopped. */
  readonly resume?: TsContinuity;
}

/**
 * A segment begins at every key frame: PAT, PMT, then an access unit with its parameter sets. PIDs, the
 * program map and continuity counters continue over segments and encoders. Each packet becomes a fragment
 * of whole access units. Tracks are fixed as the first segment begins; audio that fits none is left out.
 */
export class TsSegmenter implements Stage<OutputPacket, Fragment> {
  readonly #options: TsSegmenterOptions;
  readonly #pat: TsPid;
  readonly #pmt: TsPid;
  readonly #video: TsPid;
  readonly #audio: TsPid;
  /** Undefined until the first segment. */
  #track: TsOutputAudio | null | undefined;
  #continuity: TsContinuity | null = null;
  #format: EncodedVideo["format"] | null = null;
  #firstVideo: Ticks | null = null;
  /** Media time of the last program clock. */
  #clock = Number.NEGATIVE_INFINITY;
  #lastAudio = Number.NEGATIVE_INFINITY;
  #waiting: EncodedAudio[] = [];
  #reported = false;

  constructor(options: TsSegmenterOptions) {
    const { resume } = options;
    this.#options = options;
    const { pat = 0, pmt = 0, video = 0, audio = 0 } = resume?.counters ?? {};
    // One of each in a segment, so these two follow on exactly.
    this.#pat = new TsPid(PAT_PID, { counter: pat });
    this.#pmt = new TsPid(PMT_PID, { counter: pmt });
    this.#video = new TsPid(VIDEO_PID, { counter: video, joint: resume !== undefined });
    this.#audio = new TsPid(AUDIO_PID, { counter: audio, joint: resume !== undefined });
    this.#track = resume?.audio;
  }

  /** What a replacement continues from, as of the last segment's first fragment; null before that. */
  get continuity(): TsContinuity | null {
    return this.#continuity;
  }

  transform(packet: OutputPacket, controller: TransformStreamDefaultController<Fragment>): void {
    for (const made of packet.kind === "video"
      ? this.#videoUnit(packet)
      : this.#audioUnit(packet)) {
      controller.enqueue(made);
    }
  }

  *#videoUnit(packet: EncodedVideo): Generator<Fragment> {
    const { pts, keyFrame, format, arrivedAt, encodedAt } = packet;
    if (!keyFrame && !this.#format) return;
    this.#format = format;
    this.#firstVideo ??= pts;
    const head = [...(keyFrame ? this.#tables() : []), ...this.#clocks(pts)];
    const marks = {
      randomAccess: keyFrame,
      ...(pts > this.#clock && { pcr: pts - CLOCK_DELAY }),
    };
    this.#clock = Math.max(this.#clock, pts);
    const room = this.#video.room(marks);
    const unit = pes(h264Unit(packet), { streamId: VIDEO_STREAM, pts, room });
    const data = join([...head, this.#video.unit(unit, marks)]);
    const { width, height } = format;
    if (keyFrame) this.#continuity = this.#state();
    yield { data, first: keyFrame, pts, arrivedAt, encodedAt, width, height };
    for (const waited of this.#waiting.splice(0)) yield* this.#audioUnit(waited);
  }

  *#audioUnit(packet: EncodedAudio): Generator<Fragment> {
    const format = this.#format;
    if (!format) {
      this.#waiting.push(packet);
      if (this.#waiting.length > MAX_AUDIO_WAITING) this.#waiting.shift();
      return;
    }
    if (packet.codec !== this.#track?.codec) return this.#leaveOut(packet);
    const { pts, duration, codec } = packet;
    // Dropped: audio from before the first picture, with nothing to be in step with, and timestamps that go back.
    if (pts + duration <= (this.#firstVideo ?? 0) || pts < 0 || pts <= this.#lastAudio) return;
    this.#lastAudio = pts;
    const streamId = codec === "opus" ? PRIVATE_STREAM : AUDIO_STREAM;
    const unit = pes(audioUnit(packet), { streamId, pts, room: this.#audio.room() });
    const data = join([...this.#clocks(pts), this.#audio.unit(unit)]);
    const { width, height } = format;
    yield { data, first: false, pts, arrivedAt: null, width, height };
  }

  #tables(): Uint8Array[] {
    if (this.#track === undefined) this.#track = this.#chooseTrack();
    return [this.#pat.section(patSection()), this.#pmt.section(pmtSection(this.#track))];
  }

  #chooseTrack(): TsOutputAudio | null {
    const [first] = this.#waiting;
    if (first) return { codec: first.codec, channels: first.channels };
    const promised = this.#options.promisedAudio();
    return promised && { codec: promised.codec, channels: promised.channels };
  }

  /** The program clocks that are due between the last one and `pts`. */
  #clocks(pts: Ticks): Uint8Array[] {
    const packets: Uint8Array[] = [];
    if (pts - this.#clock > MAX_CLOCK_GAP) return packets;
    while (pts - this.#clock > CLOCK_TICKS) {
      this.#clock += CLOCK_TICKS;
      packets.push(this.#video.clock(this.#clock - CLOCK_DELAY));
    }
    return packets;
  }

  #leaveOut({ codec }: EncodedAudio): void {
    if (this.#reported) return;
    this.#reported = true;
    const why = this.#track ? `began with ${this.#track.codec}` : "began without audio";
    this.#options.onTrouble({
      kind: "unsupported_media",
      message: `${codec} audio is left out: the stream ${why}, and its readers bind tracks only once; restart the stream to have it`,
    });
  }

  #state(): TsContinuity {
    const counters = {
      pat: this.#pat.counter,
      pmt: this.#pmt.counter,
      video: this.#video.counter,
      audio: this.#audio.counter,
    };
    return { counters, audio: this.#track ?? null };
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return only && parts.length === 1 ? only : concatBytes(parts);
}
