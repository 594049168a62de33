/** Demuxes fragmented MP4 as it arrives: the samples of a fragment leave as soon as its `mdat` is complete. */
import type { PlainError } from "../../../errors.ts";
import type { EncodedPacket } from "../../../media/encoded-packet.ts";
import type { AnnouncedAudio, TrackTrouble } from "../demuxer.ts";
import { TimeLead } from "../time-lead.ts";
import { FileTroubles } from "../track-troubles.ts";
import { BoxAssembler, type TopLevelBox } from "./boxes.ts";
import { DamagedFragment, readFragment } from "./fragment.ts";
import { type Movie, readMovie } from "./movie.ts";
import { packetOf } from "./packets.ts";
import { type LoadedSample, SampleMatcher } from "./samples.ts";

/** No fragment of a live stream is this large. */
const MAX_BOX_BYTES = 32 * 1024 * 1024;
/** An absolute offset that leads further away from its fragment counts from an unknown beginning. */
const MAX_DISTANCE = 2 * MAX_BOX_BYTES;
/** Segments with fragments and without a `moov` after which that is reported. */
const MAX_ORPHANED_SEGMENTS = 2;

const HOW_TO_FRAGMENT =
  "send fragmented MP4 (ffmpeg -movflags frag_keyframe+empty_moov+default_base_moof) or MPEG-TS";

/**
 * Takes bytes as they arrive, cut anywhere. A segment may bring its own `moov` or use the last one.
 * Damage costs the fragment or the segment it is in, and is reported, as is a plain MP4, of which nothing is read. Never throws.
 */
export class Mp4Demuxer {
  readonly #boxes = new BoxAssembler(MAX_BOX_BYTES);
  /** Where the last file began: its offsets may count from there. */
  #fileStart = 0;
  #movie: Movie | null = null;
  readonly #matcher = new SampleMatcher(MAX_BOX_BYTES);
  /** Where each track's last fragment ended, in its timescale. */
  readonly #ends = new Map<number, number>();
  /** Edits may put pictures before time zero. */
  readonly #lead = new TimeLead();
  /** Segments in a row with fragments that no `moov` describes. */
  #orphanedSegments = 0;
  #orphaned = false;
  readonly #troubles = new FileTroubles();

  get announcedAudio(): AnnouncedAudio | null {
    for (const entry of this.#movie?.audio?.entries ?? []) {
      if (entry.kind === "audio") return { codec: entry.format.codec, format: entry.format };
    }
    return null;
  }

  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[] {
    const packets = this.#boxes.push(bytes).flatMap((box) => this.#read(box, arrivedAt));
    const refused = this.#boxes.takeRefused();
    if (refused) this.#refuse(tooLarge(refused.type, refused.size));
    return packets;
  }

  endSegment(arrivedAt: number): EncodedPacket[] {
    const packets = this.#boxes.endSegment().flatMap((box) => this.#read(box, arrivedAt));
    this.#countOrphans();
    return packets;
  }

  breakSegment(): void {
    this.#boxes.breakSegment();
    this.#matcher.clear();
    this.#countOrphans();
  }

  takeTroubles(): TrackTrouble[] {
    return this.#troubles.take();
  }

  #read(box: TopLevelBox, arrivedAt: number): EncodedPacket[] {
    const { type, position, bodyPosition, body } = box;
    switch (type) {
      case "ftyp":
        this.#fileStart = position;
        return [];
      case "moov":
        return this.#guard(
          () => this.#open(readMovie(body), bodyPosition + body.length),
          arrivedAt,
        );
      case "moof":
        return this.#guard(() => this.#readFragment(box), arrivedAt);
      case "mdat":
        return this.#guard(() => this.#matcher.addData(bodyPosition, body), arrivedAt);
      default:
        return [];
    }
  }

  /** Returns the samples that the box itself lists and whose data came before it. */
  #open(movie: Movie, end: number): LoadedSample[] {
    if (movie.isPlain) return this.#refuse(PLAIN_MP4);
    if (!this.#movie) this.#troubles.forgetDamage();
    this.#movie = movie;
    const { video, audio, unsupported } = movie;
    this.#troubles.announce({ unsupported, video: video !== null, audio: audio !== null });
    const listed = movie.listed.map((run) => ({
      ...run,
      position: this.#fileStart + run.position,
    }));
    return this.#matcher.addRuns(listed, end);
  }

  /** Reads samples; those that name more than there is cost their fragment. */
  #guard(read: () => LoadedSample[], arrivedAt: number): EncodedPacket[] {
    try {
      return this.#packets(read(), arrivedAt);
    } catch (error) {
      if (!(error instanceof DamagedFragment)) throw error;
      this.#matcher.clear();
      this.#troubles.damage(damaged(error.message));
      return [];
    }
  }

  #readFragment({ position, bodyPosition, body }: TopLevelBox): LoadedSample[] {
    if (!this.#movie) {
      this.#orphaned = true;
      return [];
    }
    const { video, audio, defaults } = this.#movie;
    const runs = readFragment(body, {
      position,
      tracks: [video, audio].filter((track) => track !== null),
      defaults,
      resolve: (offset) => this.#resolve(offset, position),
      ends: this.#ends,
    });
    return this.#matcher.addRuns(runs, bodyPosition + body.length);
  }

  /**
   * Where an absolute offset leads. It counts from the beginning of the file, which may be the channel, the
   * last `ftyp` or the segment: the one that leads closest to the fragment. If none leads near it, the stream
   * was joined in the middle, and the offset is taken to mean the fragment itself, as muxers write it.
   */
  #resolve(offset: number, fragment: number): number {
    const distance = (start: number): number => Math.abs(start + offset - fragment);
    const [nearest = 0] = [this.#fileStart, this.#boxes.segmentStart].sort(
      (a, b) => distance(a) - distance(b),
    );
    return distance(nearest) <= MAX_DISTANCE ? nearest + offset : fragment;
  }

  #packets(loaded: readonly LoadedSample[], arrivedAt: number): EncodedPacket[] {
    const packets: EncodedPacket[] = [];
    for (const sample of loaded) {
      const read = packetOf(sample, arrivedAt);
      const packet = read && this.#lead.move(read);
      if (packet) packets.push(packet);
    }
    if (packets.some(({ kind }) => kind === "video")) this.#troubles.recover();
    return packets;
  }

  /** What no live stream has costs its segment. */
  #refuse(error: PlainError): [] {
    this.#matcher.clear();
    this.#troubles.damage(error);
    return [];
  }

  #countOrphans(): void {
    if (!this.#orphaned) return;
    this.#orphaned = false;
    this.#orphanedSegments++;
    if (this.#orphanedSegments >= MAX_ORPHANED_SEGMENTS) this.#troubles.damage(withoutMovie());
  }
}

const tooLarge = (type: string, size: number): PlainError => ({
  kind: "unsupported_media",
  message: `the input has a ${type} box of ${size} bytes, and live fragments are at most ${MAX_BOX_BYTES}: ${HOW_TO_FRAGMENT}, a fragment every second or less`,
});

const PLAIN_MP4: PlainError = {
  kind: "unsupported_media",
  message: `the input is a plain MP4 file, which cannot be read as a live stream: ${HOW_TO_FRAGMENT}`,
};

const withoutMovie = (): PlainError => ({
  kind: "unsupported_media",
  message:
    "the input's fragments come without the moov box that describes them: begin every segment with ftyp and moov",
});

const damaged = (problem: string): PlainError => ({
  kind: "unsupported_media",
  message: `the input has damaged fragments, which are dropped: ${problem}`,
});
