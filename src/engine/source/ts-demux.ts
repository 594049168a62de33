/** MPEG-TS taken apart by ourselves: whole access units as early as they can be known (architecture.md 9). */

import type { EncodedPacket, InputAudioCodec } from "../../media/encoded-packet.ts";
import type { TrackTrouble } from "./demux.ts";
import { PesAssembler } from "./pes-assembler.ts";
import { StampClock } from "./stamp-clock.ts";
import { trackTroubles } from "./track-troubles.ts";
import { AudioLane } from "./ts-audio-lane.ts";
import { findSync, readTsPacket, TS_PACKET_BYTES, type TsPacket } from "./ts-packet.ts";
import { SectionAssembler } from "./ts-section.ts";
import type { TsAudioTrack, TsTrack, TsVideoTrack } from "./ts-stream-types.ts";
import { readPat, readPmt } from "./ts-tables.ts";
import { VideoLane } from "./ts-video-lane.ts";

const PAT_PID = 0;

/** A track being read, and how its packets come together. */
interface Lane {
  readonly track: TsVideoTrack | TsAudioTrack;
  readonly assembler: PesAssembler;
  readonly packets: VideoLane | AudioLane;
}

/**
 * Takes bytes as they arrive, cut anywhere. The first video and the first audio track of the first
 * program are read. Continuity counters are not looked at: gateways restart them in every segment
 * (protocol.md 6.1), and a decoder copes with what is missing. Never throws, whatever it is fed.
 */
export class TsDemuxer {
  #rest = new Uint8Array(0);
  readonly #clock = new StampClock();
  readonly #pat = new SectionAssembler();
  readonly #pmt = new SectionAssembler();
  #mapPid: number | null = null;
  #lanes = new Map<number, Lane>();
  readonly #troubles: TrackTrouble[] = [];

  /** As the program map tells it; null while none has told of sound. */
  get audioCodec(): InputAudioCodec | null {
    for (const { track } of this.#lanes.values()) if (track.kind === "audio") return track.codec;
    return null;
  }

  /** The packets that `bytes` completes. `arrivedAt`: `performance.now()` when they arrived. */
  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[] {
    const data = this.#rest.length > 0 ? join(this.#rest, bytes) : bytes;
    const done: EncodedPacket[] = [];
    let at = 0;
    while (data.length - at >= TS_PACKET_BYTES) {
      const packet = readTsPacket(data, at);
      if (packet) {
        this.#read(packet, arrivedAt, done);
        at += TS_PACKET_BYTES;
      } else {
        const next = findSync(data, at + 1);
        at = next < 0 ? Math.max(at, data.length - TS_PACKET_BYTES + 1) : next;
        if (next < 0) break;
      }
    }
    this.#rest = data.slice(at);
    return done;
  }

  /** The end of a segment: what is under way is complete, a cut-off TS packet is dropped. */
  endSegment(arrivedAt: number): EncodedPacket[] {
    const done: EncodedPacket[] = [];
    this.#rest = new Uint8Array(0);
    for (const lane of this.#lanes.values()) {
      const { assembler, packets } = lane;
      const pes = assembler.endSegment();
      if (pes) done.push(...packets.push(pes, arrivedAt));
      if (packets instanceof VideoLane && !assembler.isOpen) done.push(...packets.end());
    }
    return done;
  }

  /** The segment broke off: what is under way is not whole. */
  breakSegment(): void {
    this.#rest = new Uint8Array(0);
    this.#pat.drop();
    this.#pmt.drop();
    for (const lane of this.#lanes.values()) {
      lane.assembler.drop();
      lane.packets.drop();
    }
  }

  #read(packet: TsPacket, arrivedAt: number, done: EncodedPacket[]): void {
    const lane = this.#lanes.get(packet.pid);
    if (packet.broken) {
      lane?.assembler.drop();
      if (packet.pid === PAT_PID) this.#pat.drop();
      if (packet.pid === this.#mapPid) this.#pmt.drop();
    } else if (lane) {
      for (const pes of lane.assembler.push(packet)) {
        done.push(...lane.packets.push(pes, arrivedAt));
      }
    } else if (packet.pid === PAT_PID) {
      for (const section of this.#pat.push(packet)) this.#follow(readPat(section));
    } else if (packet.pid === this.#mapPid) {
      for (const section of this.#pmt.push(packet)) this.#select(readPmt(section));
    }
  }

  #follow(mapPid: number | null): void {
    if (mapPid === null || mapPid === this.#mapPid) return;
    this.#mapPid = mapPid;
    this.#pmt.drop();
  }

  /** Keeps the lanes whose track is unchanged, so that a repeated map disturbs nothing. */
  #select(tracks: TsTrack[] | null): void {
    if (!tracks) return;
    const chosen = new Map<number, Lane>();
    for (const kind of ["video", "audio"] as const) {
      const track = tracks.find((candidate) => candidate.kind === kind);
      if (!track || track.kind === "unsupported") continue;
      const known = this.#lanes.get(track.pid);
      const same = known?.track.kind === track.kind && known.track.codec === track.codec;
      chosen.set(track.pid, same && known ? known : this.#open(track));
    }
    this.#lanes = chosen;
    const unsupported = tracks.filter((track) => track.kind === "unsupported");
    const has = (kind: TsTrack["kind"]): boolean => tracks.some((track) => track.kind === kind);
    const troubles = trackTroubles(unsupported, { video: has("video"), audio: has("audio") });
    this.#troubles.push(...troubles);
  }

  /** What the program map announces and cannot be read. */
  takeTroubles(): TrackTrouble[] {
    return this.#troubles.splice(0);
  }

  #open(track: TsVideoTrack | TsAudioTrack): Lane {
    const packets = track.kind === "video" ? new VideoLane(track.codec) : new AudioLane(track);
    return { track, assembler: new PesAssembler(this.#clock), packets };
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
