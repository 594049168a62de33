/** Cuts the byte stream of a video track into access units, however its sender spreads them over PES packets. */
import { findStartCode } from "../../../media/annex-b.ts";
import { H264NalReader } from "../../../media/h264.ts";
import { HevcNalReader } from "../../../media/hevc.ts";
import { type NalReader, SLICE_HEADER_BYTES, type SliceHeader } from "../../../media/nal-reader.ts";
import type { Ticks } from "../../../media/time.ts";
import { ParameterSets } from "./parameter-sets.ts";
import type { Pes, Stamp } from "./pes-assembler.ts";
import { UnitBuffer } from "./unit-buffer.ts";

/** One picture, or both fields of one, with all that comes with it. */
export interface AccessUnit {
  readonly data: Uint8Array;
  /** Null if its sender stamped no PES that it could belong to. */
  readonly stamp: Stamp | null;
  readonly keyFrame: boolean;
  /** The header of its first slice. */
  readonly slice: SliceHeader;
  /** `performance.now()` at its last byte. */
  readonly arrivedAt: number;
}

/** No access unit is this large: the sender lost framing. */
const MAX_UNIT_BYTES = 16 * 1024 * 1024;
/** More than parameter sets take: a NAL unit is read once this much of it has come, or all of it. */
const LOOK_AHEAD_BYTES = 512;

/** A sender that cut NAL units apart cuts them anywhere until so many PES in a row began with one. */
const MIN_ALIGNED_PES = 256;
/** Encoders put one zero byte before a start code. */
const MAX_ZEROS = 16;

/** The picture under way. */
interface Picture {
  /** Its first slice. */
  readonly slice: SliceHeader;
  /** Its newest slice. */
  latest: SliceHeader;
  readonly keyFrame: boolean;
  readonly hasSps: boolean;
  /** Where its first slice begins in the buffer. */
  readonly at: number;
  /** The rest of a picture that has left already. */
  readonly isRest: boolean;
  /** A field whose other field has not come yet. */
  awaitsField: boolean;
}

/** What was read since the last slice: it belongs to the next picture. */
interface Prefix {
  /** Where it begins in the buffer. */
  readonly at: number;
  recovery: boolean;
  hasSps: boolean;
}

/**
 * The end of a PES does not tell whether it is the end of a picture, and neither does a slice. So the
 * first picture waits for what comes next, and from then on its sender is known. Where each PES ends with
 * a picture, pictures leave with the end of their PES. A sender that was seen to split a picture may do
 * it again: its pictures leave when the next one begins.
 */
type Sender = "unknown" | "whole" | "splitting";

export class AccessUnitAssembler {
  readonly #nals: NalReader;
  readonly #sets = new ParameterSets();
  readonly #buffer = new UnitBuffer();
  #sender: Sender = "unknown";
  /** PES packets in a row that began with a NAL unit, so far. Infinite while no other has come. */
  #alignedPes = Number.POSITIVE_INFINITY;
  /** The newest PES is as large as its length can say, and its picture waits. */
  #isHeldFull = false;
  /** A PES of that size has been seen to hold a whole picture. */
  #fullIsWhole = false;
  /** Where the search for start codes goes on. */
  #scanned = 0;
  #picture: Picture | null = null;
  #prefix: Prefix | null = null;

  constructor(codec: "h264" | "hevc") {
    this.#nals = codec === "h264" ? new H264NalReader() : new HevcNalReader();
  }

  /** How long a frame lasts, as the stream says; null if it does not. */
  get frameDuration(): Ticks | null {
    return this.#nals.frameDuration;
  }

  /** By how much `slice.order` rises from one frame to the next. */
  get orderStep(): number {
    return this.#nals.orderStep;
  }

  /** Takes the next PES; returns the units that are complete. */
  push(pes: Pes, arrivedAt: number): AccessUnit[] {
    if (this.#buffer.length + pes.data.length > MAX_UNIT_BYTES) this.drop();
    const isAligned = startsWithNal(pes.data);
    this.#buffer.append(pes, arrivedAt);
    this.#alignedPes = isAligned ? this.#alignedPes + 1 : 0;
    if (!isAligned) this.#sender = "splitting";
    const units = this.#scan("open");
    this.#isHeldFull = pes.mayContinue && !this.#fullIsWhole;
    if (this.#sender === "whole" && !this.#isHeldFull) {
      units.push(...this.#scan("complete"));
      // The sender may just have been found to split, or the other field is still to come.
      const isWhole = this.#sender === "whole" && !this.#picture?.awaitsField;
      if (isWhole) units.push(...this.#cut());
    }
    return units;
  }

  /** Takes what is under way as complete. */
  end(): AccessUnit[] {
    const units = this.#scan("complete");
    units.push(...this.#cut());
    return units;
  }

  /** Drops what is under way. */
  drop(): void {
    this.#buffer.clear();
    this.#scanned = 0;
    this.#picture = null;
    this.#prefix = null;
  }

  /** Reads the NAL units that are there. `end`: whether the last one ends where the bytes end. */
  #scan(end: "complete" | "open"): AccessUnit[] {
    const units: AccessUnit[] = [];
    for (;;) {
      const bytes = this.#buffer.view;
      const code = findStartCode(bytes, this.#scanned);
      if (code < 0) {
        // A start code may begin in the last two bytes.
        this.#scanned = Math.max(this.#scanned, bytes.length - 2);
        return units;
      }
      const next = findStartCode(bytes, code + 3);
      const nal = bytes.subarray(code + 3, next < 0 ? bytes.length : next);
      if (next < 0 && end === "open" && !this.#isReadable(nal)) {
        this.#scanned = code;
        return units;
      }
      this.#scanned = next < 0 ? Math.max(code + 3, bytes.length - 2) : next;
      units.push(...this.#read(nal, this.#startOf(bytes, code)));
    }
  }

  /** Tells whether enough of an unfinished NAL unit is there. */
  #isReadable(nal: Uint8Array): boolean {
    return nal.length >= (this.#nals.isSlice(nal) ? SLICE_HEADER_BYTES : LOOK_AHEAD_BYTES);
  }

  /** Takes one NAL unit; returns the access unit that it ends. */
  #read(nal: Uint8Array, at: number): AccessUnit[] {
    const found = this.#nals.read(nal);
    if (found.role === "suffix") return [];
    if (found.role === "slice") return this.#readSlice(found.slice, at);
    this.#prefix ??= { at, recovery: false, hasSps: false };
    this.#prefix.recovery ||= found.recovery;
    this.#prefix.hasSps ||= found.parameterSet?.startsWith("sps") ?? false;
    if (found.parameterSet) this.#sets.add(found.parameterSet, nal);
    return [];
  }

  #readSlice(slice: SliceHeader, at: number): AccessUnit[] {
    const picture = this.#picture;
    if (!picture) {
      this.#begin(slice, at);
      return [];
    }
    if (continues(picture, slice)) {
      const isSecondField = picture.latest.field !== slice.field;
      if (isSecondField) picture.awaitsField = false;
      else if (this.#buffer.hasPesStart(picture.at, at)) this.#sender = "splitting";
      picture.latest = slice;
      this.#prefix = null;
      return [];
    }
    const boundary = this.#prefix?.at ?? at;
    const isPesStart = this.#buffer.hasPesStart(boundary - 1, boundary);
    if (isPesStart && this.#sender === "unknown") this.#sender = "whole";
    if (isPesStart && this.#isHeldFull) this.#fullIsWhole = true;
    const units = this.#cut(boundary);
    this.#begin(slice, at - boundary);
    return units;
  }

  #begin(slice: SliceHeader, at: number): void {
    const { recovery, hasSps } = this.#prefix ?? { recovery: false, hasSps: false };
    const keyFrame = slice.randomAccess || recovery || (hasSps && slice.intra);
    // A PES that begins with a later slice goes on with the picture of the PES before.
    const isRest = this.#sender === "whole" && !slice.first && this.#buffer.hasPesStart(at - 1, at);
    if (isRest) this.#sender = "splitting";
    const awaitsField = slice.field !== null;
    this.#picture = { slice, latest: slice, keyFrame, hasSps, at, isRest, awaitsField };
    this.#prefix = null;
  }

  /** Cuts the picture off before `boundary`, or with all that has come. */
  #cut(boundary = this.#buffer.length): AccessUnit[] {
    const picture = this.#picture;
    if (!picture) return [];
    // In PES that are cut anywhere, the stamp where a slice begins is that of the next picture.
    const stamps = this.#isCutAnywhere ? "unit" : "unit-or-slice";
    const { data, stamp, arrivedAt } = this.#buffer.cut(boundary, picture.at, stamps);
    this.#picture = null;
    this.#scanned = Math.max(0, this.#scanned - boundary);
    if (picture.isRest) return [];
    const { slice, keyFrame, hasSps } = picture;
    const whole = keyFrame && !hasSps ? this.#sets.before(data) : data;
    return [{ data: whole, stamp, keyFrame, slice, arrivedAt }];
  }

  /**
   * Where a NAL unit begins: some zero bytes before its start code belong to it. Zeros at the end of a PES
   * belong to it only if the sender cuts NAL units apart, and so perhaps within a start code.
   */
  #startOf(bytes: Uint8Array, code: number): number {
    const first = Math.max(0, code - MAX_ZEROS);
    const endsAt = (at: number): boolean =>
      !this.#isCutAnywhere && this.#buffer.hasPesStart(at - 1, at);
    let at = code;
    while (at > first && bytes[at - 1] === 0 && !endsAt(at)) at--;
    return at;
  }

  /** The sender was seen to cut NAL units apart, as one with PES of a fixed size does. */
  get #isCutAnywhere(): boolean {
    return this.#alignedPes < MIN_ALIGNED_PES;
  }
}

/** Whether a slice belongs to the picture under way, or is the second field of its frame. */
function continues({ latest, awaitsField }: Picture, slice: SliceHeader): boolean {
  const isOtherField = slice.field !== null && slice.field !== latest.field;
  if (awaitsField && isOtherField && latest.field !== null) return slice.frame === latest.frame;
  return !slice.first && slice.picture === latest.picture;
}

/** Whether the bytes begin with a start code, after any number of zeros. */
function startsWithNal(bytes: Uint8Array): boolean {
  const code = findStartCode(bytes.subarray(0, LOOK_AHEAD_BYTES), 0);
  if (code < 0) return false;
  for (let at = 0; at < code; at++) if (bytes[at] !== 0) return false;
  return true;
}
