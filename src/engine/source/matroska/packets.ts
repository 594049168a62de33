/** Turns the blocks of a Matroska cluster into packets: Annex B for H.264 and H.265, times in ticks. */
import { concatBytes } from "../../../media/bytes.ts";
import type { AudioPacket, EncodedPacket, VideoPacket } from "../../../media/encoded-packet.ts";
import { opusSamples } from "../../../media/opus.ts";
import { reorderDepthOf } from "../../../media/reorder-depth.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import { formatOfFrame } from "../audio-configs.ts";
import type { AudioEntry, VideoEntry } from "../sample-entry.ts";
import { codedPicture } from "../video-sample.ts";
import type { Block } from "./blocks.ts";
import { DecodeClock } from "./decode-clock.ts";
import type { MkvTrack, MkvTracks } from "./tracks.ts";

/** A block with its times. */
export interface TimedBlock extends Block {
  readonly pts: Ticks;
  /** Of all its frames together; null if it is not given. */
  readonly span: Ticks | null;
  readonly arrivedAt: number;
}

/** Makes packets of the blocks of one video and one audio track. */
export class MkvPackets {
  readonly #clock = new DecodeClock();
  #tracks: MkvTracks | null = null;
  /** How deep the video track's parameter sets say that it reorders. */
  #depth = 0;

  /** The tracks of the blocks that follow. */
  open(tracks: MkvTracks): void {
    this.#tracks = tracks;
    this.#clock.restart();
    const entry = tracks.video?.entry;
    this.#depth = entry ? reorderDepthOf(entry.codec, entry.parameterSets) : 0;
  }

  /** The packets of a block, with copies of its data; none for a track that is not read. */
  of(block: TimedBlock): EncodedPacket[] {
    const { video, audio } = this.#tracks ?? {};
    if (video?.number === block.track) return this.#pictures(block, video);
    return audio?.number === block.track ? sounds(block, audio) : [];
  }

  #pictures(block: TimedBlock, track: MkvTrack<VideoEntry>): VideoPacket[] {
    const { entry, orientation, frameDuration } = track;
    return block.frames.map((frame, index) => {
      const pts = ticks(block.pts + index * (frameDuration ?? 0));
      return {
        kind: "video",
        ...codedPicture(entry, restored(frame, track), block.keyFrame),
        pts,
        dts: this.#clock.next(pts, this.#depth, frameDuration),
        ...(orientation && { orientation }),
        ...(entry.pixelAspect && { pixelAspect: entry.pixelAspect }),
        arrivedAt: block.arrivedAt,
      };
    });
  }
}

/** The audio frames of a block follow each other. */
function sounds(block: TimedBlock, track: MkvTrack<AudioEntry>): AudioPacket[] {
  let pts = block.pts - track.delay;
  return block.frames.map((frame) => {
    const data = restored(frame, track).slice();
    const format = formatOfFrame(track.entry.format, data);
    const share = block.span === null ? null : block.span / block.frames.length;
    const duration = frameTicks(track, data) ?? share ?? defaultTicks(track);
    const packet: AudioPacket = {
      kind: "audio",
      ...format,
      data,
      pts: ticks(Math.round(pts)),
      duration: ticks(Math.round(duration)),
      arrivedAt: block.arrivedAt,
    };
    pts += duration;
    return packet;
  });
}

/** Duration of a frame, from the frame or its codec; null for Vorbis, whose frames differ. */
function frameTicks({ entry: { format, frameSamples } }: MkvTrack<AudioEntry>, data: Uint8Array) {
  if (format.codec === "vorbis") return null;
  const samples = format.codec === "opus" ? opusSamples(data) : frameSamples;
  return (samples * TICKS_PER_SECOND) / format.sampleRate;
}

const defaultTicks = ({ entry, frameDuration }: MkvTrack<AudioEntry>): number =>
  frameDuration ?? (entry.frameSamples * TICKS_PER_SECOND) / entry.format.sampleRate;

/** A frame with what was stripped from its front. */
const restored = (frame: Uint8Array, { prefix }: MkvTrack): Uint8Array =>
  prefix.length > 0 ? concatBytes([prefix, frame]) : frame;
