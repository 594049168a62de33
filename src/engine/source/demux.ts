/** Segments as they arrive become packets, picture and sound apart. Never makes the network wait. */
import { type PlainError, WorkerError } from "../../errors.ts";
import type {
  AudioPacket,
  EncodedPacket,
  InputAudioCodec,
  VideoPacket,
} from "../../media/encoded-packet.ts";
import type { Ticks } from "../../media/time.ts";
import { type Pushable, pushable } from "../../streams/push-readable.ts";
import type { IncomingChunk } from "../../trickle/client/channel-reader.ts";
import type { PipelineObserver, StreamPart } from "../pipeline-observer.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../protocol/call-journal.ts";
import { ArrivalClock } from "./arrival-clock.ts";
import { Mp4Demuxer } from "./mp4-demux.ts";
import type { Timeline } from "./timeline.ts";
import { TsDemuxer } from "./ts-demux.ts";

/** Takes one container apart. */
export interface Demuxer {
  /** Of the audio track, once one is known to exist. */
  readonly audioCodec: InputAudioCodec | null;
  /** The packets that these bytes complete; bytes may be cut anywhere. */
  push(bytes: Uint8Array, arrivedAt: number): EncodedPacket[];
  /** What the end of a segment completes. */
  endSegment(arrivedAt: number): EncodedPacket[];
  /** The segment broke off. */
  breakSegment(): void;
  /** What began or ceased to be unreadable since the last call. */
  takeTroubles?(): readonly TrackTrouble[];
}

/** A part of the input that cannot be read, reported when it is first seen; null when it can be read again. */
export interface TrackTrouble {
  readonly part: Extract<StreamPart, "input" | "audio">;
  readonly error: PlainError | null;
}

export interface DemuxedInput {
  readonly video: ReadableStream<VideoPacket>;
  readonly audio: ReadableStream<AudioPacket>;
  /** Of its sound, once the input is known to carry some. */
  audioCodec(): InputAudioCodec | null;
  /** `performance.now()` at which the frame with this pts is due; see `ArrivalClock`. */
  dueAt(pts: Ticks): number;
  /** Bytes that have come in. */
  bytes(): number;
  /** Packets given up because the decoder fell behind. */
  dropped(): number;
}

/** Bytes that tell every container we know. */
const HEAD_BYTES = 8;
/** So many segments of no known container end the input; fewer may be damaged ones. */
const MAX_STRANGERS = 3;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Fifteen seconds at 60 fps, more than the longest burst: a decoder that far behind starts again at a key frame. */
const MAX_VIDEO_WAITING = 900;
/** Deadline of one chunk: it holds the main thread. */
const DEMUX_MS = 5000;
/** Twenty seconds of 20 ms frames: sound waits until the pictures of its burst have been played out. */
const MAX_AUDIO_WAITING = 1000;

/**
 * Reads `segments` to their end at the speed they come in. The observer sees every packet.
 * Both outputs end with the input, or fail with what it failed with.
 */
export function demux(
  segments: ReadableStream<IncomingChunk>,
  options: {
    readonly timeline: Timeline;
    readonly calls?: NativeCalls;
    readonly observer: Pick<PipelineObserver, "frameIn" | "audioIn" | "trouble">;
  },
): DemuxedInput {
  const { calls = UNRECORDED_CALLS } = options;
  const video = pushable<VideoPacket>();
  const audio = pushable<AudioPacket>();
  const arrivals = new ArrivalClock();
  let demuxer: Demuxer | null = null;
  let head = NOTHING;
  /** How segments began that nobody knows. */
  const strangers: Uint8Array[] = [];
  let skipping = false;
  let bytesIn = 0;
  let dropped = 0;
  let catchingUp = false;

  const deliver = (found: EncodedPacket): boolean => {
    const packet = options.timeline.map(found);
    if (packet.kind === "audio") {
      options.observer.audioIn(packet);
      if (audio.waiting < MAX_AUDIO_WAITING) audio.push(packet);
      return true;
    }
    options.observer.frameIn(packet);
    arrivals.saw(packet);
    if (video.waiting >= MAX_VIDEO_WAITING) catchingUp = true;
    if (catchingUp && !(packet.keyFrame && video.waiting === 0)) {
      dropped++;
      return true;
    }
    catchingUp = false;
    return video.push(packet);
  };

  /** The bytes of this chunk with those before it that were too few to tell the container. */
  const identify = (chunk: IncomingChunk): Uint8Array => {
    if (!chunk.first && demuxer) return chunk.data;
    skipping &&= !chunk.first;
    if (skipping) return NOTHING;
    const bytes = head.length > 0 ? Buffer.concat([head, chunk.data]) : chunk.data;
    head = NOTHING;
    const container = containerOf(bytes);
    if (container && !(demuxer instanceof container)) demuxer = new container();
    if (demuxer) return bytes;
    if (bytes.length >= HEAD_BYTES) {
      skipping = true;
      if (strangers.push(bytes) >= MAX_STRANGERS) throw unknownContainer(bytes);
    } else {
      head = bytes;
    }
    return NOTHING;
  };
  const take = (bytes: Uint8Array, { arrivedAt, last, complete }: IncomingChunk, to: Demuxer) => {
    using _call = calls.begin("demux", DEMUX_MS);
    const packets = to.push(bytes, arrivedAt);
    if (last && complete) packets.push(...to.endSegment(arrivedAt));
    if (last && !complete) to.breakSegment();
    return packets;
  };
  const pump = async (): Promise<void> => {
    for await (const chunk of segments) {
      bytesIn += chunk.data.length;
      if (chunk.first) arrivals.nextSegment();
      const bytes = identify(chunk);
      if (!demuxer) continue;
      const packets = take(bytes, chunk, demuxer);
      for (const { part, error } of demuxer.takeTroubles?.() ?? []) {
        options.observer.trouble(part, error);
      }
      let wanted = true;
      for (const packet of packets) wanted = deliver(packet) && wanted;
      if (!wanted) return;
    }
    const [stranger] = strangers;
    if (!demuxer && stranger) throw unknownContainer(stranger);
  };
  const settle = (act: (side: Pushable<VideoPacket> | Pushable<AudioPacket>) => void): void => {
    act(video);
    act(audio);
  };
  pump().then(
    () => settle((side) => side.end()),
    (error) => settle((side) => side.fail(error)),
  );
  return {
    video: video.readable,
    audio: audio.readable,
    audioCodec: () => demuxer?.audioCodec ?? null,
    dueAt: (pts) => arrivals.dueAt(pts),
    bytes: () => bytesIn,
    dropped: () => dropped,
  };
}

/**
 * Chosen by what the bytes are, whatever the channel's content type says (contract.md, Output). Null if they
 * begin like nothing we know: the middle of a segment, too few bytes, or another container.
 */
function containerOf(bytes: Uint8Array): (new () => Demuxer) | null {
  if (bytes[0] === 0x47) return TsDemuxer;
  return MP4_BOXES.has(String.fromCharCode(...bytes.subarray(4, 8))) ? Mp4Demuxer : null;
}

function unknownContainer(bytes: Uint8Array): WorkerError {
  const head = [...bytes.subarray(0, HEAD_BYTES)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
  return new WorkerError(
    "unsupported_media",
    `the input is neither MPEG-TS nor fragmented MP4 (it begins with ${head}): send one of these`,
  );
}

/** What a segment of fragmented MP4 may begin with. */
const MP4_BOXES = new Set(["ftyp", "styp", "moov", "moof", "sidx", "emsg", "prft", "free"]);
