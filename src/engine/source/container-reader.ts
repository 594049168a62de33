/** Finds out which container an input's segments are in, and hands their bytes to the demuxer for it. */

import { WorkerError } from "../../errors.ts";
import type { EncodedPacket, InputAudioCodec } from "../../media/encoded-packet.ts";
import { TS_PACKET_BYTES } from "../../media/mpeg-ts.ts";
import type { IncomingChunk } from "../../trickle/client/channel-reader.ts";
import type { Demuxer, TrackTrouble } from "./demuxer.ts";
import { isTopLevelBox } from "./mp4-boxes.ts";
import { Mp4Demuxer } from "./mp4-demux.ts";
import { TsDemuxer } from "./ts-demux.ts";

/** Bytes that are enough to recognize every container we read. */
const HEAD_BYTES = 8;
/** This many segments in no known container end the input; fewer may be damaged ones. */
const MAX_UNRECOGNIZED = 3;
const TS_SYNC = 0x47;
const NOTHING: Uint8Array = new Uint8Array(0);

export class ContainerReader {
  #demuxer: Demuxer | null = null;
  /** The start of a segment, as long as it is too short to recognize. */
  #head = NOTHING;
  /** The first bytes of segments in no known container. */
  readonly #unrecognized: Uint8Array[] = [];
  #skipsSegment = false;

  /** The codec of the audio track, once one is known to exist. */
  get audioCodec(): InputAudioCodec | null {
    return this.#demuxer?.audioCodec ?? null;
  }

  /** The packets that this chunk completes. Throws `unsupported_media` for an input in no known container. */
  read(chunk: IncomingChunk): EncodedPacket[] {
    const bytes = this.#recognize(chunk);
    const demuxer = this.#demuxer;
    if (!demuxer) return [];
    const { arrivedAt, last, complete } = chunk;
    const packets = demuxer.push(bytes, arrivedAt);
    if (last && complete) packets.push(...demuxer.endSegment(arrivedAt));
    if (last && !complete) demuxer.breakSegment();
    return packets;
  }

  takeTroubles(): readonly TrackTrouble[] {
    return this.#demuxer?.takeTroubles?.() ?? [];
  }

  /** The input has ended: throws `unsupported_media` if none of it was recognized. */
  end(): void {
    const [head] = this.#unrecognized;
    if (!this.#demuxer && head) throw unknownContainer(head);
  }

  /** The bytes to demux: none of a segment that is skipped, or too short so far. */
  #recognize(chunk: IncomingChunk): Uint8Array {
    if (!chunk.first && this.#demuxer) return chunk.data;
    this.#skipsSegment &&= !chunk.first;
    if (this.#skipsSegment) return NOTHING;
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, chunk.data]) : chunk.data;
    this.#head = NOTHING;
    const container = containerOf(bytes);
    if (container && !(this.#demuxer instanceof container)) this.#demuxer = new container();
    if (this.#demuxer) return bytes;
    if (bytes.length < HEAD_BYTES) {
      this.#head = bytes;
      return NOTHING;
    }
    this.#skipsSegment = true;
    if (this.#unrecognized.push(bytes.slice(0, HEAD_BYTES)) < MAX_UNRECOGNIZED) return NOTHING;
    throw unknownContainer(bytes);
  }
}

/**
 * Chosen by the bytes, whatever the channel's content type (contract.md, Output). Null for the middle of a segment,
 * too few bytes, or another container.
 */
function containerOf(bytes: Uint8Array): (new () => Demuxer) | null {
  if (bytes[0] === TS_SYNC && (bytes[TS_PACKET_BYTES] ?? TS_SYNC) === TS_SYNC) return TsDemuxer;
  return isTopLevelBox(bytes) ? Mp4Demuxer : null;
}

function unknownContainer(bytes: Uint8Array): WorkerError {
  const head = [...bytes.subarray(0, HEAD_BYTES)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
  return new WorkerError(
    "unsupported_media",
    `the input is neither MPEG-TS nor fragmented MP4 (it begins with ${head}): send one of these`,
  );
}
