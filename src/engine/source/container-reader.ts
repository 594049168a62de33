/** Finds out which container an input's segments are in, and hands their bytes to the demuxer for it. */

import { describeUnexpected, fromPlainError, type PlainError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { EncodedPacket } from "../../media/encoded-packet.ts";
import type { IncomingChunk } from "../../trickle/client/segment-copy.ts";
import {
  containerAtStart,
  hasLateTransportStream,
  MAX_HEAD_BYTES,
  MIN_HEAD_BYTES,
  otherFormat,
  tellsFormat,
} from "./container-format.ts";
import type { AnnouncedAudio, Demuxer, TrackTrouble } from "./demuxer.ts";
import { MatroskaDemuxer } from "./matroska/demux.ts";
import { Mp4Demuxer } from "./mp4/demux.ts";
import { TsDemuxer } from "./ts/demux.ts";

const log = getLogger("demux");

const NOTHING: Uint8Array = new Uint8Array(0);

const DEMUXERS = { mpegts: TsDemuxer, mp4: Mp4Demuxer, matroska: MatroskaDemuxer } as const;

/** Reads an input until its channel ends, whatever its segments hold: what cannot be read is reported and left out. */
export class ContainerReader {
  #demuxer: Demuxer | null = null;
  /** The start of a segment, as long as too little of it has come to recognize it. */
  #head = NOTHING;
  /** What is wrong with a segment that no demuxer reads; null if one does. */
  #unreadable: PlainError | null = null;
  #isReported = true;
  /** What is wrong with the input, as it was reported last. */
  #trouble: PlainError | null = null;
  #hasPictures = false;
  #skipsSegment = false;
  /** A segment, or the end of one, is missing before the next picture. */
  #afterLoss = false;
  /** Sequence number of the current segment; null before the first. */
  #seq: number | null = null;

  /** The audio track, once one is known to exist. */
  get announcedAudio(): AnnouncedAudio | null {
    return this.#demuxer?.announcedAudio ?? null;
  }

  /** The packets that this chunk completes. */
  read(chunk: IncomingChunk): EncodedPacket[] {
    // What a missing segment completed will not come.
    if (this.#seq !== null && chunk.seq > this.#seq + 1) this.#break();
    this.#seq = chunk.seq;
    const bytes = this.#recognize(chunk);
    const demuxer = this.#demuxer;
    if (!demuxer) return [];
    const packets = this.#demux(demuxer, bytes, chunk);
    if (!this.#hasPictures) this.#hasPictures = packets.some(({ kind }) => kind === "video");
    const marked = this.#afterLoss ? this.#mark(packets) : packets;
    if (chunk.last && !chunk.complete) this.#break();
    return marked;
  }

  /** What began or ceased to be unreadable since the last call. */
  takeTroubles(): readonly TrackTrouble[] {
    const own = this.#isReported ? [] : [{ part: "input" as const, error: this.#unreadable }];
    this.#isReported = true;
    const troubles = [...own, ...(this.#demuxer?.takeTroubles?.() ?? [])];
    for (const { part, error } of troubles) if (part === "input") this.#trouble = error;
    return troubles;
  }

  /** The input has ended: throws what is wrong with it if no picture has come out of it. */
  end(): void {
    if (!this.#demuxer && this.#head.length >= MIN_HEAD_BYTES) this.#skipSegment(this.#head);
    this.takeTroubles();
    if (!this.#hasPictures && this.#trouble) throw fromPlainError(this.#trouble);
  }

  #demux(
    demuxer: Demuxer,
    bytes: Uint8Array,
    { arrivedAt, last, complete }: IncomingChunk,
  ): EncodedPacket[] {
    try {
      if (demuxer.wasCutBefore?.(bytes)) this.#break();
      const packets = demuxer.push(bytes, arrivedAt);
      return last && complete ? [...packets, ...demuxer.endSegment(arrivedAt)] : packets;
    } catch (error) {
      // A bug in the demuxer, which the next segment may not trigger.
      log.error("demuxer failed", { error: describeUnexpected(error) });
      this.#demuxer = null;
      this.#afterLoss = true;
      this.#leaveOut(FAILED);
      return [];
    }
  }

  /** What was under way is lost. */
  #break(): void {
    this.#demuxer?.breakSegment();
    this.#afterLoss = true;
  }

  /** The packets, of which the first video packet says that others are lost before it. */
  #mark(packets: EncodedPacket[]): EncodedPacket[] {
    const first = packets.findIndex(({ kind }) => kind === "video");
    const packet = packets[first];
    if (packet?.kind !== "video") return packets;
    this.#afterLoss = false;
    return packets.with(first, { ...packet, afterLoss: true });
  }

  /** The bytes to demux: none of a segment that is skipped, or of which too little has come. */
  #recognize({ data, first, last }: IncomingChunk): Uint8Array {
    if (!first && this.#demuxer && this.#head.length === 0) return data;
    this.#skipsSegment &&= !first;
    if (this.#skipsSegment) return NOTHING;
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, data]) : data;
    this.#head = NOTHING;
    if (!tellsFormat(bytes) && !last) {
      this.#head = bytes.slice();
      return NOTHING;
    }
    const demuxer = this.#demuxerFor(bytes);
    if (demuxer && !(this.#demuxer instanceof demuxer)) this.#open(new demuxer());
    if (this.#demuxer) return bytes;
    const isDecided = last || bytes.length >= MAX_HEAD_BYTES || otherFormat(bytes) !== null;
    if (isDecided && bytes.length >= MIN_HEAD_BYTES) this.#skipSegment(bytes);
    else this.#head = bytes.slice();
    return NOTHING;
  }

  /**
   * Chosen by the bytes, whatever the channel's content type (contract.md, Output). Where a container has been
   * recognized before, only the start of another one changes that: a box of MP4 may go on over segments.
   */
  #demuxerFor(bytes: Uint8Array): (typeof DEMUXERS)[keyof typeof DEMUXERS] | null {
    const container = containerAtStart(bytes);
    if (container) return DEMUXERS[container];
    const isJoined = !this.#demuxer && !otherFormat(bytes) && hasLateTransportStream(bytes);
    return isJoined ? DEMUXERS.mpegts : null;
  }

  #open(demuxer: Demuxer): void {
    this.#demuxer = demuxer;
    // What was wrong before, here or in another container, belongs to another input.
    this.#unreadable = null;
    this.#isReported = this.#trouble === null;
  }

  /** Leaves out the segment that begins with these bytes. */
  #skipSegment(bytes: Uint8Array): void {
    this.#leaveOut(unreadableInput(bytes));
  }

  /** Nothing is read of the rest of the segment. */
  #leaveOut(why: PlainError): void {
    this.#skipsSegment = true;
    // The first of several says most: only a file's beginning names its format.
    this.#unreadable ??= why;
    this.#isReported = this.#trouble?.message === this.#unreadable.message;
  }
}

const FAILED: PlainError = {
  kind: "internal",
  message:
    "a segment of the input could not be demuxed and was skipped; see the log for the reason",
};

/** The error for an input that begins with these bytes. */
function unreadableInput(bytes: Uint8Array): PlainError {
  const head = [...bytes.subarray(0, MIN_HEAD_BYTES)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
  const format = otherFormat(bytes);
  return {
    kind: "unsupported_media",
    message:
      `the input is ${format ?? "neither MPEG-TS, fragmented MP4 nor Matroska"} (it begins with ${head}): ` +
      "send MPEG-TS (ffmpeg -f mpegts), Matroska or WebM (ffmpeg -f matroska) or " +
      "fragmented MP4 (ffmpeg -f mp4 -movflags frag_keyframe+empty_moov+default_base_moof)",
  };
}
