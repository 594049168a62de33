/** Finds out which container an input's segments are in, and hands their bytes to the demuxer for it. */

import { WorkerError } from "../../errors.ts";
import type { EncodedPacket } from "../../media/encoded-packet.ts";
import type { IncomingChunk } from "../../trickle/client/channel-reader.ts";
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

/** This many segments in no known container end the input; fewer may be damaged ones. */
const MAX_UNRECOGNIZED = 3;
const NOTHING: Uint8Array = new Uint8Array(0);

const DEMUXERS = { mpegts: TsDemuxer, mp4: Mp4Demuxer, matroska: MatroskaDemuxer } as const;

export class ContainerReader {
  #demuxer: Demuxer | null = null;
  /** The start of a segment, as long as too little of it has come to recognize it. */
  #head = NOTHING;
  /** Segments in no known container, and what the first of them is. */
  #unrecognized = 0;
  #unreadable: WorkerError | null = null;
  #skipsSegment = false;
  /** A segment, or the end of one, is missing before the next picture. */
  #afterLoss = false;
  /** Sequence number of the current segment; null before the first. */
  #seq: number | null = null;

  /** The audio track, once one is known to exist. */
  get announcedAudio(): AnnouncedAudio | null {
    return this.#demuxer?.announcedAudio ?? null;
  }

  /** The packets that this chunk completes. Throws `unsupported_media` for an input in no known container. */
  read(chunk: IncomingChunk): EncodedPacket[] {
    // What a missing segment completed will not come.
    if (this.#seq !== null && chunk.seq > this.#seq + 1) this.#break();
    this.#seq = chunk.seq;
    const bytes = this.#recognize(chunk);
    const demuxer = this.#demuxer;
    if (!demuxer) return [];
    const { arrivedAt, last, complete } = chunk;
    if (demuxer.wasCutBefore?.(bytes)) this.#break();
    const packets = demuxer.push(bytes, arrivedAt);
    if (last && complete) packets.push(...demuxer.endSegment(arrivedAt));
    const marked = this.#afterLoss ? this.#mark(packets) : packets;
    if (last && !complete) this.#break();
    return marked;
  }

  takeTroubles(): readonly TrackTrouble[] {
    return this.#demuxer?.takeTroubles?.() ?? [];
  }

  /** The input has ended: throws `unsupported_media` if none of it was recognized. */
  end(): void {
    if (this.#demuxer) return;
    if (this.#head.length >= MIN_HEAD_BYTES) this.#unreadable ??= unreadableInput(this.#head);
    if (this.#unreadable) throw this.#unreadable;
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
    if (demuxer && !(this.#demuxer instanceof demuxer)) this.#demuxer = new demuxer();
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

  /** Leaves out the segment that begins with these bytes. */
  #skipSegment(bytes: Uint8Array): void {
    this.#skipsSegment = true;
    this.#unreadable ??= unreadableInput(bytes);
    if (++this.#unrecognized >= MAX_UNRECOGNIZED) throw this.#unreadable;
  }
}

/** The error for an input that begins with these bytes. */
function unreadableInput(bytes: Uint8Array): WorkerError {
  const head = [...bytes.subarray(0, MIN_HEAD_BYTES)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
  const format = otherFormat(bytes);
  return new WorkerError(
    "unsupported_media",
    `the input is ${format ?? "neither MPEG-TS, fragmented MP4 nor Matroska"} (it begins with ${head}): ` +
      "send MPEG-TS (ffmpeg -f mpegts), Matroska or WebM (ffmpeg -f matroska) or " +
      "fragmented MP4 (ffmpeg -f mp4 -movflags frag_keyframe+empty_moov+default_base_moof)",
  );
}
