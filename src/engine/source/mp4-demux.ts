/** Fragmented MP4 taken apart as it arrives: a fragment's samples as soon as its `mdat` is whole. */
import { WorkerError } from "../../errors.ts";
import { annexB } from "../../media/annex-b.ts";
import type { EncodedPacket, InputAudioCodec } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import { decodeTime, readTfhd, readTrun } from "./mp4-fragment.ts";
import {
  type BoxHeader,
  boxHeader,
  findBox,
  type Mp4Track,
  readBoxes,
  readMoov,
  type SampleDefaults,
  uint32,
} from "./mp4-tracks.ts";

/** No fragment of a live stream is this large. */
const MAX_BOX_BYTES = 32 * 1024 * 1024;
const LARGEST_HEADER = 16;

interface Sample {
  readonly track: Mp4Track;
  /** In the bytes of the channel since the demuxer began. */
  readonly position: number;
  readonly size: number;
  readonly dts: number;
  readonly cts: number;
  readonly duration: number;
  readonly sync: boolean;
}

/**
 * Takes bytes as they arrive, cut anywhere. A segment may bring its own `moov`, or use the last one.
 * Throws `unsupported_media` for boxes too large to be live.
 */
export class Mp4Demuxer {
  /** What has come of the box under way, and how much of it there must be. */
  #parts: Uint8Array[] = [];
  #waiting = 0;
  #wanted = 0;
  /** Nothing more of this segment can be understood. */
  #lost = false;
  /** Channel position of the box under way. */
  #position = 0;
  #tracks: Mp4Track[] = [];
  #defaults = new Map<number, SampleDefaults>();
  #samples: Sample[] = [];
  readonly #next = new Map<number, number>();

  get audioCodec(): InputAudioCodec | null {
    for (const track of this.#tracks) if (track.kind === "audio") return track.codec;
    return null;
  }

  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[] {
    if (this.#lost) {
      this.#position += bytes.length;
      return [];
    }
    this.#parts.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting < this.#wanted) return [];
    const data = Buffer.concat(this.#parts);
    const packets: EncodedPacket[] = [];
    let at = 0;
    let header = boxHeader(data, at);
    while (header && at + header.size <= data.length) {
      packets.push(...this.#box(data, at, header, arrivedAt));
      at += header.size;
      header = boxHeader(data, at);
    }
    this.#keep(data.slice(at));
    this.#position += at;
    this.#wanted = header?.size ?? (this.#waiting < 8 ? 8 : LARGEST_HEADER);
    if (this.#wanted > MAX_BOX_BYTES) throw tooLarge(header?.type ?? "", this.#wanted);
    // A size that makes no sense: what follows cannot be found before the next segment.
    if (!header && this.#waiting >= LARGEST_HEADER) this.#lose();
    return packets;
  }

  /** A box that is cut off by a segment's end will not be completed. */
  endSegment(): EncodedPacket[] {
    this.breakSegment();
    return [];
  }

  breakSegment(): void {
    this.#lose();
    this.#lost = false;
  }

  #box(data: Uint8Array, at: number, header: BoxHeader, arrivedAt: number): EncodedPacket[] {
    const body = data.subarray(at + header.bytes, at + header.size);
    const start = this.#position + at;
    switch (header.type) {
      case "moov":
        this.#open(body);
        return [];
      case "moof":
        this.#samples = this.#readMoof(body, start);
        return [];
      case "mdat":
        return this.#take(body, start + header.bytes, arrivedAt);
      default:
        return [];
    }
  }

  #keep(rest: Uint8Array): void {
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#waiting = rest.length;
  }

  #lose(): void {
    this.#position += this.#waiting;
    this.#keep(new Uint8Array(0));
    this.#wanted = 0;
    this.#samples = [];
    this.#lost = true;
  }

  #open(moov: Uint8Array): void {
    const { tracks, defaults } = readMoov(moov);
    this.#tracks = tracks;
    this.#defaults = defaults;
  }

  #readMoof(moof: Uint8Array, start: number): Sample[] {
    const samples: Sample[] = [];
    for (const { type, body } of readBoxes(moof)) {
      if (type === "traf") samples.push(...this.#readTraf(body, start));
    }
    return samples;
  }

  #readTraf(traf: Uint8Array, moofStart: number): Sample[] {
    const tfhd = findBox(traf, "tfhd");
    const track = tfhd && this.#tracks.find(({ id }) => id === uint32(tfhd, 4));
    if (!track) return [];
    const { base, ...defaults } = readTfhd(tfhd, this.#defaults.get(track.id));
    const tfdt = findBox(traf, "tfdt");
    let dts = tfdt ? decodeTime(tfdt) : (this.#next.get(track.id) ?? 0);
    let position = base ?? moofStart;
    const samples: Sample[] = [];
    for (const { type, body } of readBoxes(traf)) {
      if (type !== "trun") continue;
      const run = readTrun(body, defaults);
      if (run.offset !== null) position = (base ?? moofStart) + run.offset;
      for (const sample of run.samples) {
        samples.push({ track, position, dts, ...sample });
        position += sample.size;
        dts += sample.duration;
      }
    }
    this.#next.set(track.id, dts);
    return samples;
  }

  /** The samples that lie in this `mdat`. */
  #take(body: Uint8Array, start: number, arrivedAt: number): EncodedPacket[] {
    const end = start + body.length;
    const here = this.#samples.filter(
      ({ position, size }) => position >= start && position + size <= end,
    );
    this.#samples = [];
    return here.map((sample) => {
      const data = body.slice(sample.position - start, sample.position - start + sample.size);
      return packetOf(sample, data, arrivedAt);
    });
  }
}

const tooLarge = (type: string, size: number): WorkerError =>
  new WorkerError(
    "unsupported_media",
    `the input has a ${type} box of ${size} bytes: send fragmented MP4, a fragment every second or less`,
  );

function packetOf(sample: Sample, data: Uint8Array, arrivedAt: number): EncodedPacket {
  const { track, dts, cts, duration, sync } = sample;
  const at = (time: number): Ticks =>
    ticks(Math.round((time * TICKS_PER_SECOND) / track.timescale));
  const pts = at(dts + cts);
  if (track.kind === "audio") {
    const { codec, sampleRate, channels } = track;
    return {
      kind: "audio",
      codec,
      data,
      pts,
      duration: at(duration),
      sampleRate,
      channels,
      arrivedAt,
    };
  }
  const { codec, lengthBytes, parameterSets } = track;
  const unit = lengthBytes > 0 ? annexB(data, lengthBytes, sync ? parameterSets : []) : data;
  return { kind: "video", codec, data: unit, pts, dts: at(dts), keyFrame: sync, arrivedAt };
}
