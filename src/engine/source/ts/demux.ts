/** Demuxes MPEG-TS into whole access units and audio frames, each as early as its end is known (architecture.md 9). */

import { concatBytes } from "../../../media/bytes.ts";
import type { EncodedPacket } from "../../../media/encoded-packet.ts";
import { TS_PACKET_BYTES } from "../../../media/mpeg-ts.ts";
import type { AnnouncedAudio, TrackTrouble } from "../demuxer.ts";
import { AudioLane } from "./audio-lane.ts";
import { findSync, isPacketStart, readTsPacket, type TsPacket } from "./packet.ts";
import { PacketBacklog } from "./packet-backlog.ts";
import { PesAssembler } from "./pes-assembler.ts";
import { type ChosenTracks, TsPrograms } from "./programs.ts";
import { StampClock } from "./stamp-clock.ts";
import type { TsAudioTrack, TsVideoTrack } from "./stream-types.ts";
import { VideoLane } from "./video-lane.ts";

/** A track that is read. */
interface Lane {
  readonly track: TsVideoTrack | TsAudioTrack;
  readonly assembler: PesAssembler;
  readonly packets: VideoLane | AudioLane;
}

/**
 * Takes bytes as they arrive, cut anywhere. Reads the video and the audio of one program. Continuity
 * counters are ignored: gateways restart them in every segment (protocol.md 6.1), and a decoder copes with
 * what is missing. Never throws.
 */
export class TsDemuxer {
  /** The start of a packet; after damage, bytes that may contain one. */
  #rest = new Uint8Array(0);
  /** After damage: it searches for two sync bytes, a packet apart. */
  #isLost = false;
  /** The last segment ended with `#rest`. */
  #isCut = false;
  readonly #clock = new StampClock();
  readonly #programs = new TsPrograms();
  #tracks: ChosenTracks = this.#programs.tracks;
  #lanes = new Map<number, Lane>();
  readonly #backlog = new PacketBacklog();

  /** The audio track of the program map, which does not state its format; null while none is known. */
  get announcedAudio(): AnnouncedAudio | null {
    const track = this.#tracks.audio;
    return track && { codec: track.codec, format: null };
  }

  /** What the program maps announce and cannot be read. */
  takeTroubles(): TrackTrouble[] {
    return this.#programs.takeTroubles();
  }

  /** The packets that `bytes` completes. `arrivedAt`: `performance.now()` when they arrived. */
  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[] {
    if (bytes.length > 0) this.#isCut = false;
    const data = this.#rest.length > 0 ? concatBytes([this.#rest, bytes]) : bytes;
    const done: EncodedPacket[] = [];
    let at = 0;
    while (data.length - at >= TS_PACKET_BYTES) {
      if (this.#isLost) {
        const next = findSync(data, at);
        this.#isLost = next < 0;
        at = next < 0 ? data.length - TS_PACKET_BYTES : next;
        if (next < 0) break;
      }
      const packet = readTsPacket(data, at);
      if (packet) this.#read(packet, arrivedAt, done);
      this.#isLost = packet === null;
      at += packet ? TS_PACKET_BYTES : 1;
    }
    this.#rest = data.slice(at);
    return done;
  }

  /** The packets that the end of a segment completes: none if it ends in the middle of a transport packet. */
  endSegment(arrivedAt: number): EncodedPacket[] {
    const done: EncodedPacket[] = [];
    this.#readLast(arrivedAt, done);
    this.#isCut = isPacketStart(this.#rest);
    if (this.#isCut) return done;
    this.#rest = new Uint8Array(0);
    for (const lane of this.#lanes.values()) {
      const { assembler, packets } = lane;
      const pes = assembler.endSegment();
      if (pes) done.push(...packets.push(pes, arrivedAt));
      if (packets instanceof VideoLane && !assembler.isOpen) done.push(...packets.end());
    }
    return done;
  }

  /** Reads what is left after damage, if it is a whole packet. */
  #readLast(arrivedAt: number, done: EncodedPacket[]): void {
    if (!this.#isLost) return;
    const packet = this.#rest.length === TS_PACKET_BYTES ? readTsPacket(this.#rest, 0) : null;
    if (packet) this.#read(packet, arrivedAt, done);
    this.#rest = new Uint8Array(0);
    this.#isLost = false;
  }

  /** Some senders cut anywhere and go on in the next segment; others lose what is beyond a server's limit. */
  wasCutBefore(bytes: Uint8Array): boolean {
    return this.#isCut && isPacketStart(bytes);
  }

  /** Drops what is under way: the segment broke off. */
  breakSegment(): void {
    this.#rest = new Uint8Array(0);
    this.#isLost = false;
    this.#isCut = false;
    this.#programs.drop();
    this.#backlog.clear();
    for (const lane of this.#lanes.values()) {
      lane.assembler.drop();
      lane.packets.drop();
    }
  }

  #read(packet: TsPacket, arrivedAt: number, done: EncodedPacket[]): void {
    const lane = this.#lanes.get(packet.pid);
    if (lane) this.#feed(lane, packet, arrivedAt, done);
    else if (this.#programs.isTentative && this.#programs.isOther(packet.pid)) {
      this.#backlog.add(packet);
    }
    if (packet.broken) {
      this.#programs.drop(packet.pid);
    } else if (lane) {
      if (!packet.unitStart) return;
      this.#programs.sawPes(packet.pid);
      if (!this.#programs.isTentative) this.#backlog.clear();
    } else {
      this.#programs.push(packet);
      if (this.#programs.tracks !== this.#tracks) {
        this.#select(this.#programs.tracks);
        this.#readBacklog(arrivedAt, done);
      }
    }
  }

  #feed({ assembler, packets }: Lane, packet: TsPacket, arrivedAt: number, done: EncodedPacket[]) {
    if (packet.broken) return assembler.drop();
    for (const pes of assembler.push(packet)) done.push(...packets.push(pes, arrivedAt));
  }

  /** Reads what had come of a program before it was chosen. The backlog of the others is of no use then. */
  #readBacklog(arrivedAt: number, done: EncodedPacket[]): void {
    if (this.#programs.isTentative) return;
    for (const packet of this.#backlog.take()) {
      const lane = this.#lanes.get(packet.pid);
      if (lane) this.#feed(lane, packet, arrivedAt, done);
    }
  }

  /** Keeps the lanes whose track is unchanged, so that a change of the other disturbs nothing. */
  #select(tracks: ChosenTracks): void {
    this.#tracks = tracks;
    const chosen = new Map<number, Lane>();
    for (const track of [tracks.video, tracks.audio]) {
      if (!track) continue;
      const known = this.#lanes.get(track.pid);
      const isSame = known?.track.kind === track.kind && known.track.codec === track.codec;
      chosen.set(track.pid, isSame ? known : this.#open(track));
    }
    this.#lanes = chosen;
  }

  #open(track: TsVideoTrack | TsAudioTrack): Lane {
    const packets = track.kind === "video" ? new VideoLane(track.codec) : new AudioLane(track);
    return { track, assembler: new PesAssembler(this.#clock), packets };
  }
}
