/** Cuts a channel's bytes into pieces of fragmented MP4 that a player can take: init segments and fragments. */
import {
  blank,
  boxHead,
  children,
  find,
  type Mp4Track,
  startOf,
  trackOf,
  uint32,
} from "./mp4-boxes.ts";

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
      /** Media time of its first sample's presentation, in seconds. */
      readonly time: number;
    };

/** No box of a live stream is this large: bytes that claim one are not MP4. */
const MAX_BOX_BYTES = 32 * 1024 * 1024;

/** Takes the bytes of segments in order; call `restart` at each new segment. Throws NotMp4 for anything else. */
export class Mp4Pieces {
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** A `ftyp` whose `moov`, or a `moof` whose `mdat`, has not arrived yet. */
  #head: Uint8Array<ArrayBuffer>[] = [];
  /** All tracks of the channel, and those that pieces contain. */
  #tracks: readonly Mp4Track[] = [];
  #passed: readonly Mp4Track[] = [];
  readonly #wantsSound: () => boolean;

  /**
   * `wantsSound` is read at each init segment; sound beside a picture is taken out while it returns false. A player that is
   * given sound keeps more media ahead, so sound that nobody hears adds latency for nothing.
   */
  constructor(wantsSound: () => boolean = () => true) {
    this.#wantsSound = wantsSound;
  }

  /** Whether the channel has sound, taken out or not. */
  get hasSound(): boolean {
    return this.#tracks.some(({ kind }) => kind === "audio");
  }

  /** Drops an incomplete box: a new segment begins. */
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
        this.#openTracks(box.subarray(8));
        const bytes = join([...this.#head, box]);
        this.#head = [];
        return { kind: "init", bytes, tracks: this.#passed };
      }
      case "mdat": {
        const [moof] = this.#head;
        this.#head = [];
        const start = moof && this.#startOf(moof);
        return start ? { kind: "fragment", bytes: join([moof, box]), ...start } : null;
      }
      default:
        return null; // players do not need it
    }
  }

  #openTracks(moov: Uint8Array): void {
    const entries = children(moov, "trak").map((trak) => ({ trak, track: trackOf(trak, moov) }));
    this.#tracks = entries.map(({ track }) => track).filter((track) => track !== null);
    const withSound = this.#wantsSound() || !this.#tracks.some(({ kind }) => kind === "video");
    this.#passed = this.#tracks.filter(({ kind }) => withSound || kind === "video");
    for (const { trak, track } of entries)
      if (track !== null && !this.#passed.includes(track)) blank(trak);
  }

  /**
   * Track and time of a fragment (of the picture where it has several tracks), without the tracks that are not passed on;
   * null if none is left.
   */
  #startOf(moof: Uint8Array): { track: Mp4Track["kind"]; time: number } | null {
    const starts = children(moof.subarray(8), "traf").map((traf) => this.#startOfTrack(traf));
    const found = starts.filter((start) => start !== null);
    return found.find(({ track }) => track === "video") ?? found[0] ?? null;
  }

  #startOfTrack(traf: Uint8Array): { track: Mp4Track["kind"]; time: number } | null {
    const start = startOf(traf);
    const trun = find(traf, "trun");
    if (start === null) return null;
    const track = this.#passed.find(({ id }) => id === start.id);
    if (!track && this.#tracks.some(({ id }) => id === start.id)) blank(traf);
    if (!track || !trun) return null;
    return { track: track.kind, time: (start.decodeTime + firstOffset(trun)) / track.timescale };
  }
}

/** Composition offset of a run's first sample (§8.8.8); the flags say which fields precede it. */
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

/** Concatenates into memory of its own. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
