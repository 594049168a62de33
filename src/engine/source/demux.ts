/** Demuxes segments as they arrive into video and audio packets, without ever making the network wait. */
import type { AudioPacket, EncodedPacket, VideoPacket } from "../../media/encoded-packet.ts";
import type { Ticks } from "../../media/time.ts";
import { pushable } from "../../streams/push-readable.ts";
import type { IncomingChunk } from "../../trickle/client/segment-copy.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { ArrivalClock } from "./arrival-clock.ts";
import { ContainerReader } from "./container-reader.ts";
import type { AnnouncedAudio } from "./demuxer.ts";
import type { Timeline } from "./timeline.ts";

export interface DemuxedInput {
  readonly video: ReadableStream<VideoPacket>;
  readonly audio: ReadableStream<AudioPacket>;
  /** The input's audio, once it is known to have some. */
  announcedAudio(): AnnouncedAudio | null;
  /** `performance.now()` at which the frame with this pts is due; see `ArrivalClock`. */
  dueAt(pts: Ticks): number;
  /** Bytes that have arrived. */
  bytes(): number;
}

export interface DemuxOptions {
  readonly timeline: Timeline;
  readonly calls: NativeCalls;
  /** Sees every packet that arrives. */
  readonly observer: Pick<PipelineObserver, "frameIn" | "frameDropped" | "audioIn" | "trouble">;
  /** The input has ended; its last packets may still wait to be read. */
  readonly onEnd?: () => void;
}

/** Fifteen seconds at 60 fps, more than the longest burst: a decoder that far behind starts again at a key frame. */
const MAX_VIDEO_WAITING = 900;
/** Ten seconds at 25 Mbit/s: large frames, or a malicious sender, reach this limit before the other one. */
const MAX_VIDEO_BYTES = 32 * 1024 * 1024;
/** Deadline of one chunk: it holds the main thread. */
const DEMUX_MS = 5000;
/** Twenty seconds of 20 ms frames: audio waits until the video of its burst has been played out. */
const MAX_AUDIO_WAITING = 1000;
/** Twenty seconds at 1.6 Mbit/s, more than any audio codec we read needs. */
const MAX_AUDIO_BYTES = 4 * 1024 * 1024;

/** Reads `segments` to their end, as fast as they arrive. Both outputs end with the input, or fail as it does. */
export function demux(
  segments: ReadableStream<IncomingChunk>,
  { timeline, calls, observer, onEnd }: DemuxOptions,
): DemuxedInput {
  const video = pushable<VideoPacket>(({ data }) => data.length);
  const audio = pushable<AudioPacket>(({ data }) => data.length);
  const arrivals = new ArrivalClock();
  const reader = new ContainerReader();
  let bytesIn = 0;
  let catchingUp = false;

  /** Returns false when nobody reads the video any more. */
  const deliver = (packet: EncodedPacket): boolean => {
    if (packet.kind === "video") return deliverVideo(packet);
    observer.audioIn(packet);
    const isFull = audio.waiting >= MAX_AUDIO_WAITING || audio.waitingBytes >= MAX_AUDIO_BYTES;
    if (!isFull) audio.push(packet);
    return true;
  };
  /** Beyond the limits, drops packets until the queue is empty and a group of pictures begins. */
  const deliverVideo = (packet: VideoPacket): boolean => {
    if (!packet.hidden) observer.frameIn(packet);
    arrivals.record(packet);
    catchingUp ||= video.waiting >= MAX_VIDEO_WAITING || video.waitingBytes >= MAX_VIDEO_BYTES;
    if (catchingUp && !(packet.keyFrame && video.waiting === 0)) {
      if (!packet.hidden) observer.frameDropped("backlog");
      return true;
    }
    catchingUp = false;
    return video.push(packet);
  };
  const read = (chunk: IncomingChunk): EncodedPacket[] => {
    using _call = calls.begin("demux", DEMUX_MS);
    return reader.read(chunk);
  };
  /** Returns false if nobody wanted the rest. */
  const pump = async (): Promise<boolean> => {
    for await (const chunk of segments) {
      bytesIn += chunk.data.length;
      if (chunk.first) arrivals.nextSegment();
      const packets = read(chunk);
      for (const { part, error } of reader.takeTroubles()) observer.trouble(part, error);
      let isRead = true;
      for (const packet of packets) isRead = deliver(timeline.map(packet)) && isRead;
      if (!isRead) return false;
    }
    reader.end();
    return true;
  };
  pump().then(
    (hasEnded) => {
      video.end();
      audio.end();
      if (hasEnded) onEnd?.();
    },
    (error) => {
      video.fail(error);
      audio.fail(error);
    },
  );
  return {
    video: video.readable,
    audio: audio.readable,
    announcedAudio: () => reader.announcedAudio,
    dueAt: (pts) => arrivals.dueAt(pts),
    bytes: () => bytesIn,
  };
}
