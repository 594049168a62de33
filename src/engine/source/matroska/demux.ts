/** Demuxes Matroska and WebM as they arrive: a frame leaves as soon as its block is complete. */
import type { PlainError } from "../../../errors.ts";
import { type Element, findElement, readString, readUint } from "../../../media/ebml.ts";
import type { EncodedPacket } from "../../../media/encoded-packet.ts";
import { isClockTime, TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import type { AnnouncedAudio, TrackTrouble } from "../demuxer.ts";
import { TimeLead } from "../time-lead.ts";
import { FileTroubles } from "../track-troubles.ts";
import { type Block, readBlockGroup, readSimpleBlock } from "./blocks.ts";
import { printable } from "./codecs.ts";
import { ElementAssembler } from "./elements.ts";
import { MKV } from "./ids.ts";
import { MkvPackets } from "./packets.ts";
import { type MkvTracks, readTracks } from "./tracks.ts";

/** Nanoseconds of the unit of all times, where the file does not say it. */
const DEFAULT_SCALE = 1_000_000;
const NANOSECONDS = 1e9;
/** Segments with clusters and without tracks after which that is reported. */
const MAX_ORPHANED_SEGMENTS = 2;
const DOC_TYPES = new Set(["matroska", "webm"]);

/**
 * Takes bytes as they arrive, cut anywhere. A segment may be a file of its own, or continue the last one. Damage costs
 * what is in the cluster behind it, and is reported. Never throws.
 */
export class MatroskaDemuxer {
  readonly #elements = new ElementAssembler();
  readonly #packets = new MkvPackets();
  readonly #lead = new TimeLead();
  readonly #troubles = new FileTroubles();
  #tracks: MkvTracks | null = null;
  /** Nanoseconds of the unit of all times. */
  #scale = DEFAULT_SCALE;
  /** The timestamp of the cluster, in that unit; null where none is known. */
  #clusterTime: number | null = null;
  /** Segments in a row with blocks that no tracks describe. */
  #orphanedSegments = 0;
  #orphaned = false;

  get announcedAudio(): AnnouncedAudio | null {
    const format = this.#tracks?.audio?.entry.format;
    return format ? { codec: format.codec, format } : null;
  }

  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[] {
    const packets = this.#elements.push(bytes).flatMap((element) => this.#read(element, arrivedAt));
    if (packets.some(({ kind }) => kind === "video")) this.#troubles.recover();
    if (this.#elements.takeDamaged()) this.#troubles.damage(DAMAGED);
    return packets;
  }

  /** A block may go on in the next segment: the end of this one completes nothing. */
  endSegment(): EncodedPacket[] {
    this.#elements.endSegment();
    this.#countOrphans();
    return [];
  }

  breakSegment(): void {
    this.#elements.breakSegment();
    this.#countOrphans();
  }

  takeTroubles(): TrackTrouble[] {
    return this.#troubles.take();
  }

  #read({ id, data }: Element, arrivedAt: number): EncodedPacket[] {
    switch (id) {
      case MKV.ebml:
        this.#openFile(data);
        return [];
      case MKV.info:
        this.#scale = readUint(findElement(data, MKV.timestampScale) ?? NOTHING) || DEFAULT_SCALE;
        return [];
      case MKV.tracks:
        this.#openTracks(readTracks(data));
        return [];
      case MKV.cluster:
        this.#clusterTime = null;
        return [];
      case MKV.timestamp:
        this.#clusterTime = readUint(data);
        return [];
      case MKV.simpleBlock:
        return this.#packetsOf(readSimpleBlock(data), arrivedAt);
      case MKV.blockGroup:
        return this.#packetsOf(readBlockGroup(data), arrivedAt);
      default:
        return [];
    }
  }

  #openFile(header: Uint8Array): void {
    const type = readString(findElement(header, MKV.docType) ?? NOTHING) || "matroska";
    if (!DOC_TYPES.has(type)) this.#troubles.damage(otherDocument(type));
    this.#scale = DEFAULT_SCALE;
    this.#clusterTime = null;
  }

  #openTracks(tracks: MkvTracks): void {
    if (!this.#tracks) this.#troubles.forgetDamage();
    this.#tracks = tracks;
    this.#packets.open(tracks);
    const { video, audio, unsupported } = tracks;
    this.#troubles.announce({ unsupported, video: video !== null, audio: audio !== null });
  }

  #packetsOf(block: Block | null, arrivedAt: number): EncodedPacket[] {
    if (!this.#tracks) {
      this.#orphaned = true;
      return [];
    }
    const pts = block && this.#timeOf(block);
    if (!block || pts === null) {
      this.#troubles.damage(DAMAGED);
      return [];
    }
    const span = block.duration === null ? null : this.#ticks(block.duration);
    return this.#packets
      .of({ ...block, pts, span, arrivedAt })
      .flatMap((packet) => this.#lead.move(packet) ?? []);
  }

  /** Null in a cluster without a timestamp, and for times that cannot be. */
  #timeOf({ time }: Block): Ticks | null {
    return this.#clusterTime === null ? null : this.#ticks(this.#clusterTime + time);
  }

  #ticks(time: number): Ticks | null {
    const moment = Math.round((time * this.#scale * TICKS_PER_SECOND) / NANOSECONDS);
    return isClockTime(moment) ? ticks(moment) : null;
  }

  #countOrphans(): void {
    if (!this.#orphaned) return;
    this.#orphaned = false;
    this.#orphanedSegments++;
    if (this.#orphanedSegments >= MAX_ORPHANED_SEGMENTS) this.#troubles.damage(WITHOUT_TRACKS);
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

const otherDocument = (type: string): PlainError => ({
  kind: "unsupported_media",
  message: `the input is an EBML document of the type "${printable(type)}", not "matroska" or "webm"`,
});

const WITHOUT_TRACKS: PlainError = {
  kind: "unsupported_media",
  message:
    "the input's clusters come without the tracks that describe them: begin every segment with a header of its own, or start the stream before the first segment",
};

const DAMAGED: PlainError = {
  kind: "unsupported_media",
  message: "the input has damaged Matroska clusters, which are dropped up to the next cluster",
};
