/** Declares what the NAL units of a video codec tell about the pictures they belong to. */
import type { Ticks } from "./time.ts";

/** The slice header fields that tell pictures apart. */
export interface SliceHeader {
  /** The slice holds the first block of its picture. */
  readonly first: boolean;
  /** Decoding can begin at this slice, with nothing but its parameter sets. */
  readonly randomAccess: boolean;
  /** The slice refers to no other picture. */
  readonly intra: boolean;
  /** Order counts begin again at this picture. */
  readonly resetsOrder: boolean;
  /** Place in presentation order since the last reset, cut to `orderBits` bits; null if it is not coded. */
  readonly order: number | null;
  readonly orderBits: number;
  /** Which field of an interlaced frame the slice belongs to; null for a whole frame. */
  readonly field: "top" | "bottom" | null;
  /** Equal for all slices of one picture. Null if the parameter sets are not known. */
  readonly picture: string | null;
  /** Equal for both fields of one frame. */
  readonly frame: number;
}

/**
 * The place of a NAL unit in an access unit. A `prefix` (delimiter, parameter sets, SEI) after a slice
 * belongs to the next picture; anything else belongs to the picture before it.
 */
export type NalUnit =
  | {
      readonly role: "prefix";
      /** Names the parameter set, e.g. `sps 0`; a later one of the same name replaces it. */
      readonly parameterSet: string | null;
      /** An SEI message says that decoding can begin at the picture. */
      readonly recovery: boolean;
    }
  | { readonly role: "slice"; readonly slice: SliceHeader }
  | { readonly role: "suffix" };

/** Reads the NAL units of one elementary stream in order, and remembers its parameter sets. */
export interface NalReader {
  /** Of a slice its first `SLICE_HEADER_BYTES` are enough to be read. */
  isSlice(nal: Uint8Array): boolean;
  /** `nal` begins with its header, without the start code. */
  read(nal: Uint8Array): NalUnit;
  /** What the stream itself says a frame lasts; null if it does not. */
  readonly frameDuration: Ticks | null;
  /** How much `order` rises from one frame to the next, as encoders count. */
  readonly orderStep: number;
}

/** Bytes of a slice that hold every field of `SliceHeader`, with its escapes. */
export const SLICE_HEADER_BYTES = 40;

/** Width and height of the coded picture, before it is cropped. */
export interface CodedSize {
  readonly width: number;
  readonly height: number;
}
