/** Records when the bytes of each video frame of an MPEG-TS channel arrived, without using the product's demuxer. */
import { type SeenPacket, seenPackets } from "../../tests/support/ts-reader.ts";

const PACKET_BYTES = 188;

/** Milliseconds of `performance.now()` of a frame's first and last byte. */
export interface Arrival {
  readonly first: number;
  readonly last: number;
}

/** Takes the chunks of a channel; a frame is a PES packet of video with its own time stamp. */
export class TsArrivals {
  /** By presentation time in 90 kHz ticks. Grows; the last byte of the newest frame may be yet to come. */
  readonly byPts = new Map<number, Arrival>();
  /** All that was taken. */
  bytes = 0;
  #rest = new Uint8Array(0);
  #restBegan = 0;
  #frame: { readonly pid: number; readonly pts: number } | null = null;

  /** Null before the first frame. */
  get newestPts(): number | null {
    return this.#frame?.pts ?? null;
  }

  /** @param first whether the chunk begins a segment */
  push(chunk: {
    readonly data: Uint8Array;
    readonly first: boolean;
    readonly arrivedAt: number;
  }): void {
    const { data, first, arrivedAt } = chunk;
    this.bytes += data.length;
    const split = first ? 0 : this.#rest.length;
    const bytes = split === 0 ? data : Buffer.concat([this.#rest, data]);
    const whole = bytes.length - (bytes.length % PACKET_BYTES);
    let began = split === 0 ? arrivedAt : this.#restBegan;
    for (const packet of seenPackets(bytes.subarray(0, whole))) {
      this.#take(packet, began, arrivedAt);
      began = arrivedAt;
    }
    this.#rest = bytes.slice(whole);
    this.#restBegan = began;
  }

  #take({ pid, unitStart, payload }: SeenPacket, began: number, ended: number): void {
    if (unitStart && isVideo(payload)) {
      this.#frame = { pid, pts: ptsOf(payload) };
      this.byPts.set(this.#frame.pts, { first: began, last: ended });
    } else if (pid === this.#frame?.pid) {
      const { first } = this.byPts.get(this.#frame.pts) ?? { first: began };
      this.byPts.set(this.#frame.pts, { first, last: ended });
    }
  }
}

/** A PES packet of a video stream that has a presentation time (ISO/IEC 13818-1 §2.4.3.7). */
function isVideo(payload: Uint8Array): boolean {
  const [zero, alsoZero, one, streamId = 0, , , , flags = 0] = payload;
  const isStart = zero === 0 && alsoZero === 0 && one === 1;
  return isStart && (streamId & 0xf0) === 0xe0 && (flags & 0x80) !== 0;
}

function ptsOf(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset);
  const high = (view.getUint8(9) & 0x0e) * 2 ** 29;
  return high + (view.getUint16(10) >> 1) * 2 ** 15 + (view.getUint16(12) >> 1);
}
