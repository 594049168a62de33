/** Reads the tracks of a Matroska file (RFC 9559 §5.1.4). */
import { type Orientation, orientationFromRoll, type PixelAspect } from "../../../media/display.ts";
import {
  type Element,
  findElement,
  readElements,
  readFloat,
  readString,
  readUint,
} from "../../../media/ebml.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import type { AudioEntry, SampleEntry, VideoEntry } from "../sample-entry.ts";
import type { UnsupportedTrack } from "../track-troubles.ts";
import { readAudioCodec, readVideoCodec } from "./codecs.ts";
import { MKV } from "./ids.ts";

/** A track that can be read. */
export interface MkvTrack<Entry = VideoEntry | AudioEntry> {
  readonly number: number;
  readonly entry: Entry;
  /** Of one frame, as the track has it. */
  readonly frameDuration: Ticks | null;
  /** What the codec's own delay adds to the timestamps of its blocks. */
  readonly delay: Ticks;
  readonly orientation: Orientation | null;
  /** What was stripped from the front of every frame. */
  readonly prefix: Uint8Array;
}

export interface MkvTracks {
  readonly video: MkvTrack<VideoEntry> | null;
  readonly audio: MkvTrack<AudioEntry> | null;
  /** Video and audio tracks that cannot be read. */
  readonly unsupported: readonly UnsupportedTrack[];
}

const KINDS: Readonly<Record<number, UnsupportedTrack["media"]>> = { 1: "video", 2: "audio" };
const NANOSECONDS = 1e9;
const NOTHING: Uint8Array = new Uint8Array(0);
/** Sizes in headers are rounded; a shape that differs by less is the same. */
const MAX_ROUNDING = 0.02;
/** `DisplayUnit` of a size that means nothing. */
const UNKNOWN_UNIT = 4;
const HEADER_STRIPPING = 3;
/** A duration that is longer is damage. */
const MAX_FRAME_SECONDS = 10;
/** Rates and channels that no codec has are damage as well. */
const MAX_SAMPLE_RATE = 768_000;
const MAX_CHANNELS = 255;
/** Of a track that says nothing usable (RFC 9559 §5.1.4.1.29.1 and .3). */
const DEFAULT_SOUND = { sampleRate: 8000, channels: 1 };

/** The first video and the first audio track that can be read are chosen. */
export function readTracks(data: Uint8Array): MkvTracks {
  let video: MkvTrack<VideoEntry> | null = null;
  let audio: MkvTrack<AudioEntry> | null = null;
  const unsupported: UnsupportedTrack[] = [];
  for (const { id, data: body } of readElements(data)) {
    if (id !== MKV.trackEntry) continue;
    const fields = new Fields(body);
    const media = KINDS[fields.uint(MKV.trackType)];
    if (!media) continue;
    const encoding = readEncoding(fields);
    const entry = readEntry(media, fields);
    const track = {
      number: fields.uint(MKV.trackNumber),
      frameDuration: frameDuration(fields.uint(MKV.defaultDuration)),
      delay: fromNanoseconds(fields.uint(MKV.codecDelay)),
      orientation: media === "video" ? readOrientation(fields.child(MKV.video)) : null,
      prefix: encoding.prefix,
    };
    if (encoding.problem) {
      unsupported.push({ media, codec: `${encoding.problem} ${fields.string(MKV.codecId)}` });
    } else if (entry.kind === "unsupported") {
      unsupported.push({ media, codec: entry.codec });
    } else if (entry.kind === "video") {
      video ??= { ...track, entry };
    } else {
      audio ??= { ...track, entry };
    }
  }
  return { video, audio, unsupported };
}

/** The children of an element by their ID; of several with the same ID, the first. */
class Fields {
  readonly #elements: readonly Element[];

  constructor(data: Uint8Array) {
    this.#elements = [...readElements(data)];
  }

  data(id: number): Uint8Array | null {
    return this.#elements.find((element) => element.id === id)?.data ?? null;
  }

  child(id: number): Fields {
    return new Fields(this.data(id) ?? NOTHING);
  }

  /** 0 if there is none. */
  uint(id: number): number {
    return readUint(this.data(id) ?? NOTHING);
  }

  /** 0 if there is none. */
  float(id: number): number {
    return readFloat(this.data(id) ?? NOTHING);
  }

  string(id: number): string {
    return readString(this.data(id) ?? NOTHING);
  }
}

function readEntry(media: UnsupportedTrack["media"], fields: Fields): SampleEntry {
  const id = fields.string(MKV.codecId);
  const config = fields.data(MKV.codecPrivate);
  if (media === "audio") {
    return readAudioCodec(id, config, readSound(fields.child(MKV.audio)));
  }
  const video = fields.child(MKV.video);
  return readVideoCodec(id, config, {
    width: video.uint(MKV.pixelWidth),
    height: video.uint(MKV.pixelHeight),
    pixelAspect: readPixelAspect(video),
  });
}

function readSound(audio: Fields): typeof DEFAULT_SOUND {
  const sampleRate = Math.round(audio.float(MKV.samplingFrequency));
  const channels = audio.uint(MKV.channels);
  return {
    sampleRate: within(sampleRate, MAX_SAMPLE_RATE) ? sampleRate : DEFAULT_SOUND.sampleRate,
    channels: within(channels, MAX_CHANNELS) ? channels : DEFAULT_SOUND.channels,
  };
}

const within = (value: number, most: number): boolean => value >= 1 && value <= most;

/** The shape that the size to be shown gives the pixels, whatever its unit; null if they are square. */
function readPixelAspect(video: Fields): PixelAspect | null {
  const [shownWidth, shownHeight] = [video.uint(MKV.displayWidth), video.uint(MKV.displayHeight)];
  const width = shownWidth * video.uint(MKV.pixelHeight);
  const height = shownHeight * video.uint(MKV.pixelWidth);
  const isSquare = Math.abs(width - height) <= height * MAX_ROUNDING;
  const isKnown = width > 0 && height > 0 && video.uint(MKV.displayUnit) !== UNKNOWN_UNIT;
  return isKnown && !isSquare ? { width, height } : null;
}

/** How the picture is turned, from a rectangular projection; others are shown as they are. */
function readOrientation(video: Fields): Orientation | null {
  const projection = video.child(MKV.projection);
  if (projection.uint(MKV.projectionType) !== 0) return null;
  const [yaw, pitch] = [MKV.projectionYaw, MKV.projectionPitch].map((id) => projection.float(id));
  const isFlipped = Math.abs(yaw ?? 0) === 180;
  if (pitch !== 0 || (yaw !== 0 && !isFlipped)) return null;
  return orientationFromRoll(projection.float(MKV.projectionRoll), isFlipped);
}

/** What was done to the frames: bytes that all have in front are put back, all else cannot be undone. */
function readEncoding(fields: Fields): { prefix: Uint8Array; problem: string | null } {
  const encodings = fields.data(MKV.contentEncodings);
  const encoding = encodings && findElement(encodings, MKV.contentEncoding);
  if (!encoding) return { prefix: NOTHING, problem: null };
  const children = new Fields(encoding);
  if (children.uint(MKV.contentEncodingType) !== 0)
    return { prefix: NOTHING, problem: "encrypted" };
  const compression = children.child(MKV.contentCompression);
  if (compression.uint(MKV.contentCompressionAlgorithm) !== HEADER_STRIPPING) {
    return { prefix: NOTHING, problem: "compressed" };
  }
  return {
    prefix: compression.data(MKV.contentCompressionSettings)?.slice() ?? NOTHING,
    problem: null,
  };
}

function frameDuration(nanoseconds: number): Ticks | null {
  const isUsable = nanoseconds > 0 && nanoseconds <= MAX_FRAME_SECONDS * NANOSECONDS;
  return isUsable ? fromNanoseconds(nanoseconds) : null;
}

/** 0 for what is no delay. */
function fromNanoseconds(nanoseconds: number): Ticks {
  const seconds = nanoseconds / NANOSECONDS;
  return ticks(seconds > MAX_FRAME_SECONDS ? 0 : Math.round(seconds * TICKS_PER_SECOND));
}
