/** Hides how a channel's bytes, cut anywhere, become whole pieces of fragmented MP4 that a player can be given. */
import { boxes, boxHead, find, type Mp4Track, tracksOf, uint32 } from "./mp4-boxes.ts";

export type Mp4Piece =
  | {
      readonly kind: "init";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly tracks: readonly Mp4Track[];
    }
  | {
      readonly kind: "fragment";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly track: Mp4Track["kind"];
      /** When its first sample is shown: media time in seconds. */
      readonly time: number;
    };

/** No box of a live stream is this large: what claims it is no MP4. */
const MAX_BOX_BYTES = 32 * 1024 * 1024;

/** Takes the bytes of one segment after the other; `restart` where one was cut off. Throws for what is no MP4. */
export class Mp4Pieces {
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** `ftyp` that waits for its `moov`, or `moof` for its `mdat`. */
  #head: Uint8Array<ArrayBuffer>[] = [];
  #tracks: readonly Mp4Track[] = [];

  /** A new segment begins: what was not whole is given up. */
  restart(): void {
    this.#rest = new Uint8Array();
    this.#head = [];
  }

  push(bytes: Uint8Array): Mp4Piece[] {
    this.#rest = join([this.#rest, bytes]);
    const pieces: Mp4Piece[] = [];
    for (;;) {
      const head = boxHead(this.#rest);
      if (head === null) return pieces;
      if (head.size < 8 || head.size > MAX_BOX_BYTES) throw new NotMp4();
      if (this.#rest.length < head.size) return pieces;
      const box = this.#rest.slice(0, head.size);
      this.#rest = this.#rest.subarray(head.size);
      const piece = this.#take(head.type, box);
      if (piece !== null) pieces.push(piece);
    }
  }

  #take(type: string, box: Uint8Array<ArrayBuffer>): Mp4Piece | null {
    switch (type) {
      case "ftyp":
      case "moof":
        this.#head = [box];
        return null;
      case "moov": {
        this.#tracks = tracksOf(box.subarray(8));
        const bytes = join([...this.#head, box]);
        this.#head = [];
        return { kind: "init", bytes, tracks: this.#tracks };
      }
      case "mdat": {
        const [moof] = this.#head;
        this.#head = [];
        const start = moof && this.#startOf(moof);
        return start ? { kind: "fragment", bytes: join([moof, box]), ...start } : null;
      }
      default:
        return null; // players do without it
    }
  }

  /** Track and time of a fragment; of one with several tracks the picture's. */
  #startOf(moof: Uint8Array): { track: Mp4Track["kind"]; time: number } | null {
    const starts = boxes(moof.subarray(8))
      .filter(({ type }) => type === "traf")
      .map(({ body }) => this.#startOfTrack(body))
      .filter((start) => start !== null)
      .toArray();
    return starts.find(({ track }) => track === "video") ?? starts[0] ?? null;
  }

  #startOfTrack(traf: Uint8Array): { track: Mp4Track["kind"]; time: number } | null {
    const tfhd = find(traf, "tfhd");
    const tfdt = find(traf, "tfdt");
    const track = tfhd && this.#tracks.find(({ id }) => id === uint32(tfhd, 4));
    const trun = find(traf, "trun");
    if (!track || !tfdt || !trun) return null;
    const dts = tfdt[0] === 1 ? uint32(tfdt, 4) * 2 ** 32 + uint32(tfdt, 8) : uint32(tfdt, 4);
    return { track: track.kind, time: (dts + firstOffset(trun)) / track.timescale };
  }
}

/** Composition offset of a run's first sample (§8.8.8); the fields before it are there as the flags say. */
function firstOffset(trun: Uint8Array): number {
  const flags = uint32(trun, 0) & 0xffffff;
  if (!(flags & 0x800)) return 0;
  const before = [0x1, 0x4, 0x100, 0x200, 0x400].filter((flag) => flags & flag).length;
  return uint32(trun, 8 + 4 * before) | 0;
}

/** The channel carries something else, MPEG-TS for instance. */
export class NotMp4 extends Error {
  override readonly name = "NotMp4";
  constructor() {
    super("the channel does not carry fragmented MP4");
  }
}

/** One run of bytes out of several; they own their memory. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
