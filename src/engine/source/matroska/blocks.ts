/** Reads the blocks of Matroska clusters and their lacing (RFC 9559 §10). */
import { readElements, readUint, readVint, vintBytes } from "../../../media/ebml.ts";
import { MKV } from "./ids.ts";

/** The frames of one track that share a timestamp. */
export interface Block {
  readonly track: number;
  /** From the cluster's timestamp, in the file's units. */
  readonly time: number;
  readonly keyFrame: boolean;
  /** Of all frames together, in the file's units; null if it is not given. */
  readonly duration: number | null;
  /** Views. */
  readonly frames: readonly Uint8Array[];
}

const KEY_FRAME = 0x80;
const LACING = { mask: 0x06, xiph: 0x02, fixed: 0x04, ebml: 0x06 } as const;

/** Null if the block is damaged. */
export function readSimpleBlock(data: Uint8Array): Block | null {
  const body = readBody(data);
  return body && { ...body, keyFrame: (body.flags & KEY_FRAME) !== 0, duration: null };
}

/** Null if the group is damaged or has no block. Its block is a key frame if it refers to no other. */
export function readBlockGroup(data: Uint8Array): Block | null {
  let block: ReturnType<typeof readBody> = null;
  let duration: number | null = null;
  let keyFrame = true;
  for (const { id, data: child } of readElements(data)) {
    if (id === MKV.block) block = readBody(child);
    else if (id === MKV.blockDuration) duration = readUint(child);
    else if (id === MKV.referenceBlock) keyFrame = false;
  }
  return block && { ...block, keyFrame, duration };
}

function readBody(data: Uint8Array) {
  const trackBytes = vintBytes(data[0]);
  const head = trackBytes + 3;
  if (trackBytes > 8 || data.length < head) return null;
  const track = readVint(data, 0, trackBytes);
  const time = (((data[trackBytes] ?? 0) << 24) >> 16) | (data[trackBytes + 1] ?? 0);
  const flags = data[trackBytes + 2] ?? 0;
  const frames = readFrames(data.subarray(head), flags & LACING.mask);
  return track === null || !frames ? null : { track, time, flags, frames };
}

/** Null if the sizes of the lace do not fit the block. */
function readFrames(body: Uint8Array, lacing: number): Uint8Array[] | null {
  if (lacing === 0) return body.length > 0 ? [body] : [];
  const count = (body[0] ?? 0) + 1;
  if (lacing === LACING.fixed) {
    const size = (body.length - 1) / count;
    return Number.isInteger(size) && size > 0 ? cut(body, 1, Array(count - 1).fill(size)) : null;
  }
  const lace =
    lacing === LACING.xiph ? readXiphSizes(body, count - 1) : readEbmlSizes(body, count - 1);
  return lace && cut(body, lace.end, lace.sizes);
}

interface Lace {
  readonly sizes: readonly number[];
  /** Where the first frame begins. */
  readonly end: number;
}

function readXiphSizes(body: Uint8Array, count: number): Lace {
  const sizes: number[] = [];
  let at = 1;
  for (let frame = 0; frame < count; frame++) {
    let size = 0;
    let part: number;
    do {
      part = body[at++] ?? 0;
      size += part;
    } while (part === 255);
    sizes.push(size);
  }
  return { sizes, end: at };
}

/** The first size as it is, each other one as its difference from the one before. */
function readEbmlSizes(body: Uint8Array, count: number): Lace | null {
  const sizes: number[] = [];
  let size = 0;
  let at = 1;
  for (let frame = 0; frame < count; frame++) {
    const bytes = vintBytes(body[at]);
    const value = bytes > 8 ? null : readVint(body, at, bytes);
    if (value === null) return null;
    size = frame === 0 ? value : size + value - (2 ** (7 * bytes - 1) - 1);
    sizes.push(size);
    at += bytes;
  }
  return { sizes, end: at };
}

/** The frames of these sizes, and the last one, which is what is left. */
function cut(body: Uint8Array, from: number, sizes: readonly number[]): Uint8Array[] | null {
  const frames: Uint8Array[] = [];
  let at = from;
  for (const size of [...sizes, body.length - from - sizes.reduce((sum, each) => sum + each, 0)]) {
    if (size < 0 || at + size > body.length) return null;
    if (size > 0) frames.push(body.subarray(at, at + size));
    at += size;
  }
  return frames;
}
