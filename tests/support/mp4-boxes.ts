/** A small reader of ISO base media files (ISO/IEC 14496-12) that shares no code with the product, to check its output. */

export interface Box {
  readonly type: string;
  /** Without the header. */
  readonly body: Uint8Array;
  readonly size: number;
}

export interface Mp4Track {
  readonly id: number;
  readonly timescale: number;
  /** `avc1`, `mp4a`, `Opus` … */
  readonly entry: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** `avcC`, `esds` or `dOps` without its header. */
  readonly config: Uint8Array;
}

export interface Mp4Sample {
  readonly data: Uint8Array;
  readonly dts: number;
  readonly pts: number;
  readonly duration: number;
  readonly sync: boolean;
}

export interface Mp4Fragment {
  readonly sequence: number;
  readonly track: number;
  readonly tfdt: number;
  readonly samples: Mp4Sample[];
}

export interface Mp4 {
  /** Top-level types in order. */
  readonly order: string[];
  readonly brands: string[];
  readonly tracks: Mp4Track[];
  readonly fragments: Mp4Fragment[];
}

/** The boxes in `bytes`; throws unless they fill it exactly. */
export function boxes(bytes: Uint8Array): Box[] {
  const found: Box[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = u32(bytes, at);
    if (size < 8 || at + size > bytes.length) throw new Error(`box of ${size} bytes at ${at}`);
    found.push({ type: text(bytes, at + 4), body: bytes.subarray(at + 8, at + size), size });
    at += size;
  }
  return found;
}

/** Reads a fragmented file; throws if it is inconsistent. */
export function readMp4(bytes: Uint8Array): Mp4 {
  const top = boxes(bytes);
  const moov = top.find((box) => box.type === "moov");
  const ftyp = top.find((box) => box.type === "ftyp");
  const brands = ftyp ? [...text4s(ftyp.body)].filter((_, index) => index !== 1) : [];
  const tracks = moov ? all(moov, "trak").map(readTrack) : [];
  const fragments: Mp4Fragment[] = [];
  for (const [index, box] of top.entries()) {
    if (box.type !== "moof") continue;
    const mdat = top[index + 1];
    if (mdat?.type !== "mdat") throw new Error("a moof without an mdat after it");
    fragments.push(readFragment(box, mdat));
  }
  return { order: top.map((box) => box.type), brands, tracks, fragments };
}

function readTrack(trak: Box): Mp4Track {
  const tkhd = one(trak, "tkhd").body;
  const mdhd = one(trak, "mdia", "mdhd").body;
  const [entry] = boxes(one(trak, "mdia", "minf", "stbl", "stsd").body.subarray(8));
  if (!entry) throw new Error("an empty stsd");
  const video = entry.type === "avc1";
  const inner = boxes(entry.body.subarray(video ? 78 : 28));
  const config = inner.find((box) => ["avcC", "esds", "dOps"].includes(box.type));
  return {
    id: u32(tkhd, tkhd[0] === 1 ? 20 : 12),
    timescale: u32(mdhd, mdhd[0] === 1 ? 20 : 12),
    entry: entry.type,
    width: video ? u16(entry.body, 24) : 0,
    height: video ? u16(entry.body, 26) : 0,
    channels: video ? 0 : u16(entry.body, 16),
    sampleRate: video ? 0 : u32(entry.body, 24) / 65536,
    config: config?.body ?? new Uint8Array(0),
  };
}

function readFragment(moof: Box, mdat: Box): Mp4Fragment {
  const trafs = all(moof, "traf");
  const [traf] = trafs;
  if (!traf || trafs.length > 1) throw new Error(`${trafs.length} trafs in a moof`);
  const tfhd = one(traf, "tfhd").body;
  const tfdt = one(traf, "tfdt").body;
  const base = tfdt[0] === 1 ? u32(tfdt, 4) * 2 ** 32 + u32(tfdt, 8) : u32(tfdt, 4);
  const trun = one(traf, "trun").body;
  const flags = u32(trun, 0) & 0xffffff;
  let at = 8;
  const next = (): number => {
    at += 4;
    return u32(trun, at - 4);
  };
  let offset = flags & 0x001 ? next() - moof.size - 8 : 0;
  const firstFlags = flags & 0x004 ? next() : null;
  let dts = base;
  const samples: Mp4Sample[] = [];
  for (let index = 0; index < u32(trun, 4); index++) {
    if (!(flags & 0x100) || !(flags & 0x200)) throw new Error("a trun without durations or sizes");
    const duration = next();
    const size = next();
    const own = flags & 0x400 ? next() : 0;
    const pts = dts + (flags & 0x800 ? next() : 0);
    const sampleFlags = index === 0 && firstFlags !== null ? firstFlags : own;
    const data = mdat.body.subarray(offset, offset + size);
    if (data.length !== size) throw new Error("a sample beyond its mdat");
    samples.push({ data, dts, pts, duration, sync: (sampleFlags & 0x10000) === 0 });
    offset += size;
    dts += duration;
  }
  if (offset !== mdat.body.length) throw new Error("bytes in mdat that belong to no sample");
  const sequence = u32(one(moof, "mfhd").body, 4);
  return { sequence, track: u32(tfhd, 4), tfdt: base, samples };
}

const all = (parent: Box, type: string): Box[] =>
  boxes(parent.body).filter((box) => box.type === type);

function one(parent: Box, ...path: string[]): Box {
  let box = parent;
  for (const type of path) {
    const found = all(box, type)[0];
    if (!found) throw new Error(`no ${type} in ${box.type}`);
    box = found;
  }
  return box;
}

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const u32 = (bytes: Uint8Array, at: number): number => view(bytes).getUint32(at);
const u16 = (bytes: Uint8Array, at: number): number => view(bytes).getUint16(at);
const text = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + 4));

function* text4s(bytes: Uint8Array): Generator<string> {
  for (let at = 0; at + 4 <= bytes.length; at += 4) yield text(bytes, at);
}
